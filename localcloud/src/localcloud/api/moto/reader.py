"""Converts moto's models to the topology that the data plane makes real."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Literal

from localcloud.contract.topology import (
    Instance,
    Interface,
    Metadata,
    NatGateway,
    Route,
    Rule,
    SecurityGroup,
    Subnet,
    Topology,
    Vpc,
)

from . import moto_state
from .read_services import read_databases, read_load_balancers, read_snapshots, read_target_groups
from .states import nat_gateways


class Reader:
    """lock: held while reading, so that a topology is consistent."""

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock

    def read(self) -> Topology:
        """The whole account, all regions."""
        with self._lock:
            regions = list(moto_state.ec2_regions())
            return Topology(
                vpcs=tuple(vpc for region in regions for vpc in _vpcs(region)),
                instances=tuple(instance for region in regions for instance in _instances(region)),
                target_groups=tuple(group for region in regions for group in read_target_groups(region)),
                load_balancers=tuple(balancer for region in regions for balancer in read_load_balancers(region)),
                databases=tuple(database for region in regions for database in read_databases(region)),
                snapshots=tuple(snapshot for region in regions for snapshot in read_snapshots(region)),
            )


def _vpcs(region: str) -> Iterator[Vpc]:
    """Every VPC, except unused default VPCs (each region has one)."""
    backend = moto_state.ec2(region)
    for vpc in list(backend.vpcs.values()):
        interfaces = tuple(
            _interface(interface) for interface in list(backend.enis.values()) if interface.vpc_id == vpc.id
        )
        if vpc.is_default and not interfaces:
            continue
        attached = [gateway for gateway in backend.internet_gateways.values() if gateway.vpc is not None]
        gateways = [gateway for gateway in attached if gateway.vpc.id == vpc.id]
        yield Vpc(
            id=vpc.id,
            region=region,
            cidrs=tuple(association["cidr_block"] for association in vpc.get_cidr_block_association_set()),
            internet_gateway_id=gateways[0].id if gateways else None,
            subnets=tuple(
                _subnet(region, subnet) for subnet in moto_state.subnets(region).values() if subnet.vpc_id == vpc.id
            ),
            groups=tuple(
                _group(group) for group in moto_state.security_groups(region).values() if group.vpc_id == vpc.id
            ),
            interfaces=interfaces,
            nat_gateways=tuple(_nat_gateways(region, vpc.id)),
        )


def _subnet(region: str, subnet: Any) -> Subnet:
    table = table_of(region, subnet)
    return Subnet(subnet.id, subnet.cidr_block, subnet.availability_zone, tuple(_routes(region, table)))


def table_of(region: str, subnet: Any) -> Any:
    """The subnet's route table: the associated one, or the VPC's main route table."""
    tables = [table for table in moto_state.ec2(region).route_tables.values() if table.vpc_id == subnet.vpc_id]
    for table in tables:
        if subnet.id in table._associations.values():
            return table
    return next(table for table in tables if table.main_association_id is not None)


def leads_to_internet(region: str, subnet: Any) -> bool:
    """Whether the subnet's route table has a route to an internet gateway."""
    return any(route.target.startswith("igw-") for route in _routes(region, table_of(region, subnet)))


def _routes(region: str, table: Any) -> Iterator[Route]:
    for route in table.routes:
        if route.destination_cidr_block:
            yield Route(route.destination_cidr_block, _target(region, route, table.vpc_id))


def _target(region: str, route: Any, vpc_id: str) -> str:
    if route.local:
        return "local"
    if route.nat_gateway is not None:
        return (
            route.nat_gateway.id
            if nat_gateways.state_of(route.nat_gateway) in ("pending", "available")
            else "blackhole"
        )
    gateway = moto_state.ec2(region).internet_gateways.get(route.gateway.id) if route.gateway is not None else None
    if gateway is None or gateway.vpc is None or gateway.vpc.id != vpc_id:
        return "blackhole"
    return str(gateway.id)


def _group(group: Any) -> SecurityGroup:
    rules = (
        *(rule for permission in group.ingress_rules if (rule := _rule("ingress", permission))),
        *(rule for permission in group.egress_rules if (rule := _rule("egress", permission))),
    )
    return SecurityGroup(group.id, group.name, group.vpc_id, rules)


def _rule(direction: Literal["ingress", "egress"], rule: Any) -> Rule | None:
    """None for IPv6 rules: the local cloud has no IPv6."""
    cidr, source = rule.ip_range.get("CidrIp"), rule.source_group.get("GroupId")
    if cidr is None and source is None:
        return None
    all_protocols = rule.ip_protocol == "-1"
    first, last = (None, None) if all_protocols else (rule.from_port, rule.to_port)
    return Rule(direction, rule.ip_protocol, first, last, cidr=cidr, group_id=source)


def _interface(interface: Any) -> Interface:
    manager = getattr(interface, "manager", None)
    owner: Any = "none"
    if manager:
        kinds = {"nat-": "nat-gateway", "arn:aws:elasticloadbalancing": "load-balancer", "arn:aws:rds": "database"}
        owner = next(kind for prefix, kind in kinds.items() if manager.startswith(prefix))
    elif interface.instance is not None:
        owner, manager = "instance", interface.instance.id
    return Interface(
        id=interface.id,
        subnet_id=interface.subnet.id,
        address=interface.private_ip_address,
        group_ids=tuple(group.id for group in interface.group_set),
        public_address=interface.public_ip,
        source_check=str(interface.source_dest_check).lower() != "false",
        owner=owner,
        owner_id=manager or "",
        mac=interface.mac_address,
    )


def _nat_gateways(region: str, vpc_id: str) -> Iterator[NatGateway]:
    for gateway in list(moto_state.ec2(region).nat_gateways.values()):
        if gateway.vpc_id == vpc_id and gateway._deleting_since is None:
            yield NatGateway(gateway.id, gateway.subnet_id, gateway.private_ip, gateway._eni.public_ip or "")


def _instances(region: str) -> Iterator[Instance]:
    """Instances that are not terminated."""
    types = moto_state.instance_types(region)
    for instance in moto_state.instances(region):
        if instance._state.name == "terminated" or not instance.nics:
            continue
        options = instance.metadata_options
        yield Instance(
            id=instance.id,
            region=region,
            zone=instance.availability_zone,
            vpc_id=instance.vpc_id,
            interface_id=instance.nics[0].id,
            image_id=instance.image_id,
            instance_type=instance.instance_type,
            memory_mib=types[instance.instance_type]["MemoryInfo"]["SizeInMiB"],
            wanted=instance._state.name,
            boots=instance._boots,
            key_name=instance.key_name,
            public_key=instance._public_key,
            user_data=_user_data(instance.user_data),
            metadata=Metadata(
                enabled=options.http_endpoint == "enabled",
                tokens=options.http_tokens,
                hop_limit=int(options.http_put_response_hop_limit),
                tags=options.instance_metadata_tags == "enabled",
            ),
            tags=tuple((tag["key"], tag["value"]) for tag in instance.get_tags()),
            instance_profile_arn=moto_state.instance_profile_arn(region, instance),
        )


def _user_data(encoded: Any) -> bytes:
    return base64.b64decode(str(encoded)) if encoded else b""
