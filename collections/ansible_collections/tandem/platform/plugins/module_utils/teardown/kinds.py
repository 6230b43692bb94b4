"""The order of the teardown: every kind of resource, and which kinds must have gone before it can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import network, services
from .account import Environment, Resource, owner, pages

SNAPSHOT = "database snapshot"


@dataclass(frozen=True)
class Kind:
    """name: in the singular. after: the kinds that use this one."""

    name: str
    find: Callable[[Environment], Iterator[Resource]]
    delete: Callable[[Environment, Resource], None]
    after: tuple[str, ...] = ()


# What takes AWS minutes needs nothing before it, so all of it is deleted at once and waited for together.
SLOW = ("load balancer", "instance", "database", "NAT gateway", "VPC endpoint")
IN_SUBNETS = (*SLOW, "network interface")

KINDS = (
    Kind("load balancer", services.load_balancers, services.delete_load_balancer),
    Kind("instance", network.instances, network.delete_instance),
    Kind("database", services.databases, services.delete_database),
    Kind("NAT gateway", network.nat_gateways, network.delete_nat_gateway),
    Kind("VPC endpoint", network.endpoints, network.delete_endpoint),
    Kind("parameter", services.parameters, services.delete_parameter, ("database",)),
    Kind("log group", services.log_groups, services.delete_log_group, ("instance",)),
    Kind("key pair", network.key_pairs, network.delete_key_pair, ("instance",)),
    Kind("target group", services.target_groups, services.delete_target_group, ("load balancer",)),
    Kind("elastic address", network.addresses, network.release_address, ("NAT gateway", "instance")),
    Kind("volume", network.volumes, network.delete_volume, ("instance",)),
    Kind("instance profile", services.instance_profiles, services.delete_instance_profile, ("instance",)),
    Kind("role", services.roles, services.delete_role, ("instance profile",)),
    Kind("database subnet group", services.subnet_groups, services.delete_subnet_group, ("database",)),
    Kind("database parameter group", services.parameter_groups, services.delete_parameter_group, ("database",)),
    Kind("network interface", network.interfaces, network.delete_interface, SLOW),
    Kind("security group", network.security_groups, network.delete_security_group, IN_SUBNETS),
    Kind("subnet", network.subnets, network.delete_subnet, (*IN_SUBNETS, "database subnet group")),
    Kind("route table", network.route_tables, network.delete_route_table, ("subnet", "VPC endpoint")),
    Kind("network ACL", network.network_acls, network.delete_network_acl, ("subnet",)),
    Kind(
        "internet gateway", network.internet_gateways, network.delete_internet_gateway, (*IN_SUBNETS, "elastic address")
    ),
    Kind(
        "VPC",
        network.vpcs,
        network.delete_vpc,
        ("subnet", "security group", "route table", "network ACL", "internet gateway"),
    ),
    Kind(SNAPSHOT, services.snapshots, services.delete_snapshot, ("database",)),
)


def find_all(environment: Environment) -> list[Resource]:
    """Everything of the environment, in the order in which it is deleted. Reads only."""
    environment.find_vpcs()
    for service in ("ec2", "elbv2", "rds", "iam", "ssm", "logs"):
        environment.client(service)  # made one by one: boto3's sessions are not made for several threads
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda kind: list(kind.find(environment)), KINDS))
    # Every resource is judged by what it says of itself, whatever filters the call had.
    return [resource for resources in found for resource in resources if environment.has(resource)]


# EC2 resource types of which find_all() tells everything. The tags of deleted ones linger for about an hour.
KNOWN_TYPES = {
    "instance", "volume", "key-pair", "natgateway", "vpc-endpoint", "elastic-ip", "internet-gateway",
    "network-interface", "security-group", "security-group-rule", "subnet", "route-table", "network-acl", "vpc",
}  # fmt: skip


def find_others(environment: Environment) -> list[Resource]:
    """What carries the environment's tags but is of no kind in KINDS, so that nobody here would delete it."""
    ec2 = environment.client("ec2")
    filters = [
        {"Name": "key", "Values": ["Project", "Environment"]},
        {"Name": "value", "Values": [environment.project, environment.name]},
    ]
    tags: dict[tuple[str, str], dict[str, str]] = {}
    for item in pages(ec2, "describe_tags", "Tags", Filters=filters):
        tags.setdefault((item["ResourceType"], item["ResourceId"]), {})[item["Key"]] = item["Value"]
    return [
        Resource(kind.replace("-", " "), identifier, owner=owner(found))
        for (kind, identifier), found in tags.items()
        if kind not in KNOWN_TYPES and owner(found) == environment.owner
    ]
