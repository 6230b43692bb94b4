"""EC2 identifiers: of the right form, of something that exists, and within one VPC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .. import moto_state
from ..errors import AwsError
from ..request import Call
from .rules import guards, walk


@dataclass(frozen=True)
class Kind:
    """prefix of the identifiers; the error codes for what does not exist and for what cannot be one; how AWS calls it."""

    prefix: str
    not_found: str
    malformed: str
    name: str


VPC = Kind("vpc", "InvalidVpcID.NotFound", "InvalidVpcID.Malformed", "vpc ID")
SUBNET = Kind("subnet", "InvalidSubnetID.NotFound", "InvalidSubnetID.Malformed", "subnet ID")
GROUP = Kind("sg", "InvalidGroup.NotFound", "InvalidGroupId.Malformed", "security group")
TABLE = Kind("rtb", "InvalidRouteTableID.NotFound", "InvalidRouteTableId.Malformed", "routeTable ID")
GATEWAY = Kind("igw", "InvalidInternetGatewayID.NotFound", "InvalidInternetGatewayId.Malformed", "internetGateway ID")
NAT = Kind("nat", "NatGatewayNotFound", "InvalidNatGatewayID.Malformed", "nat gateway")
INSTANCE = Kind("i", "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed", "instance ID")
INTERFACE = Kind(
    "eni", "InvalidNetworkInterfaceID.NotFound", "InvalidNetworkInterfaceId.Malformed", "networkInterface ID"
)
ADDRESS = Kind("eipalloc", "InvalidAllocationID.NotFound", "InvalidAllocationID.Malformed", "allocation ID")
VOLUME = Kind("vol", "InvalidVolume.NotFound", "InvalidVolumeID.Malformed", "volume")

MEMBERS = {
    "VpcId": VPC,
    "SubnetId": SUBNET,
    "SubnetIds": SUBNET,
    "GroupId": GROUP,
    "GroupIds": GROUP,
    "Groups": GROUP,
    "SecurityGroupIds": GROUP,
    "RouteTableId": TABLE,
    "RouteTableIds": TABLE,
    "InternetGatewayId": GATEWAY,
    "NatGatewayId": NAT,
    "InstanceId": INSTANCE,
    "InstanceIds": INSTANCE,
    "NetworkInterfaceId": INTERFACE,
    "AllocationId": ADDRESS,
    "VolumeId": VOLUME,
}

# How AWS words it that two resources of one request lie in different VPCs.
DIFFERENT_NETWORKS = {
    "RunInstances": ("InvalidParameter", "Security group and subnet belong to different networks."),
    "CreateNetworkInterface": (
        "InvalidParameter",
        "You have specified two resources that belong to different networks.",
    ),
    "ModifyInstanceAttribute": (
        "InvalidGroup.NotFound",
        "You have specified two resources that belong to different networks.",
    ),
    "ModifyNetworkInterfaceAttribute": (
        "InvalidGroup.NotFound",
        "You have specified two resources that belong to different networks.",
    ),
    "AuthorizeSecurityGroupIngress": (
        "InvalidGroup.NotFound",
        "You have specified two resources that belong to different networks.",
    ),
    "AuthorizeSecurityGroupEgress": (
        "InvalidGroup.NotFound",
        "You have specified two resources that belong to different networks.",
    ),
    "CreateVpcEndpoint": ("InvalidParameter", "The route table and the VPC belong to different networks."),
}
DEFAULT_DIFFERENCE = ("InvalidParameterValue", "The resources of this request belong to different networks.")
MAY_SPAN_NETWORKS = {
    "StartInstances",
    "StopInstances",
    "RebootInstances",
    "TerminateInstances",
    "DetachInternetGateway",
}


def found(region: str, kind: Kind) -> dict[str, Any]:
    """All resources of the kind, by identifier."""
    ec2 = moto_state.ec2(region)
    tables: dict[Kind, Any] = {
        VPC: lambda: ec2.vpcs,
        SUBNET: lambda: moto_state.subnets(region),
        GROUP: lambda: moto_state.security_groups(region),
        TABLE: lambda: ec2.route_tables,
        GATEWAY: lambda: ec2.internet_gateways,
        NAT: lambda: ec2.nat_gateways,
        INSTANCE: lambda: {one.id: one for one in moto_state.instances(region)},
        INTERFACE: lambda: ec2.enis,
        ADDRESS: lambda: {one.allocation_id: one for one in ec2.addresses},
        VOLUME: lambda: ec2.volumes,
    }
    return dict(tables[kind]())


def references(call: Call) -> Iterator[tuple[Kind, str]]:
    """Every identifier that the parameters name."""
    for name, value in walk(call.parameters):
        kind = MEMBERS.get(name)
        if kind is not None:
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str):
                    yield kind, one


@guards("ec2:*")
def every_reference_exists(call: Call) -> None:
    for kind, identifier in references(call):
        existing = found(call.region, kind)
        if identifier in existing:
            continue
        if kind is GROUP and not identifier.startswith("sg-"):
            continue  # some members take names too: moto looks them up
        if not re.fullmatch(rf"{kind.prefix}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", identifier):
            raise AwsError(kind.malformed, f'Invalid id: "{identifier}"')
        code = "InvalidNatGatewayID.NotFound" if kind is NAT and "Route" in call.action else kind.not_found
        raise AwsError(code, f"The {kind.name} '{identifier}' does not exist")


@guards("ec2:*")
def all_references_lie_in_one_vpc(call: Call) -> None:
    if call.action in MAY_SPAN_NETWORKS or "Tags" in call.action:
        return
    networks = {vpc for kind, identifier in references(call) if (vpc := vpc_of(call.region, kind, identifier))}
    if len(networks) > 1:
        raise AwsError(*DIFFERENT_NETWORKS.get(call.action, DEFAULT_DIFFERENCE))


def vpc_of(region: str, kind: Kind, identifier: str) -> str | None:
    """The VPC that a resource lies in; None for what lies in none."""
    if kind is VPC:
        return identifier
    if kind in (GATEWAY, ADDRESS, VOLUME):
        return None
    model = found(region, kind).get(identifier)
    return getattr(model, "vpc_id", None)
