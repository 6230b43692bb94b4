"""The full listing of an account, by plain describe calls: what was there before, and what is there after."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3

# (service, operation, key of the list, identifier of an item). Nothing here knows of tags or names.
LISTS = (
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("ec2", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    ("ec2", "describe_addresses", "Addresses", "AllocationId"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("ec2", "describe_key_pairs", "KeyPairs", "KeyName"),
    ("ec2", "describe_volumes", "Volumes", "VolumeId"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    ("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    ("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    ("rds", "describe_db_parameter_groups", "DBParameterGroups", "DBParameterGroupName"),
    ("rds", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    ("ssm", "describe_parameters", "Parameters", "Name"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
)

# States in which AWS goes on listing for about an hour what is not there any more.
GONE_STATES = {"terminated", "deleted"}

# What a service makes for itself when it is first used, and keeps.
MADE_BY_AWS = ("rds:DBParameterGroups:default.", "iam:Roles:AWSServiceRoleFor")


def listing(client: Callable[[str], Any]) -> set[str]:
    """Every resource of the account and region, as `service:kind:identifier`."""
    client = cache(client)  # one takes long to make
    found = {f"ec2:instance:{instance['InstanceId']}" for instance in _instances(client("ec2"))}
    for service, operation, key, identifier in LISTS:
        for item in _items(client(service), operation, key):
            if str(item.get("State")).lower() not in GONE_STATES:
                found.add(f"{service}:{key}:{item[identifier]}")
    return {entry for entry in found if not entry.startswith(MADE_BY_AWS)}


def _instances(ec2: Any) -> Iterator[dict[str, Any]]:
    for reservation in _items(ec2, "describe_instances", "Reservations"):
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] not in GONE_STATES:
                yield instance


def _items(client: Any, operation: str, key: str) -> Iterator[dict[str, Any]]:
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate():
            yield from page[key]
    else:
        yield from getattr(client, operation)()[key]


def main() -> None:
    """`python -m tests.support.account [FILE | --compare FILE]`: print or keep the listing, or compare it with a kept one."""
    connect: Any = boto3.client  # its stubs want the service's name literally
    found = listing(connect)
    match sys.argv[1:]:
        case ["--compare", file]:
            before = set(json.loads(Path(file).read_text()))
            if found != before:
                sys.exit(f"left over: {sorted(found - before)}; missing: {sorted(before - found)}")
        case [file]:
            Path(file).write_text(json.dumps(sorted(found)))
        case _:
            print(json.dumps(sorted(found)))


if __name__ == "__main__":
    main()
