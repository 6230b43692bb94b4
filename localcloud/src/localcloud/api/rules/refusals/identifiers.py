"""EC2 identifiers: of the right form, of something that exists, and within one VPC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.request import Call

from .rules import guards, refuse_if, walk, want_range


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
NAT = Kind("nat", "NatGatewayNotFound", "NatGatewayMalformed", "nat gateway")
INSTANCE = Kind("i", "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed", "instance ID")
INTERFACE = Kind(
    "eni", "InvalidNetworkInterfaceID.NotFound", "InvalidNetworkInterfaceId.Malformed", "networkInterface ID"
)
ADDRESS = Kind("eipalloc", "InvalidAllocationID.NotFound", "InvalidAllocationID.Malformed", "allocation ID")
VOLUME = Kind("vol", "InvalidVolume.NotFound", "InvalidVolumeID.Malformed", "volume")
SNAPSHOT = Kind("snap", "InvalidSnapshot.NotFound", "InvalidSnapshotID.Malformed", "snapshot")
IMAGE = Kind("ami", "InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "image id")
RULE = Kind(
    "sgr", "InvalidSecurityGroupRuleId.NotFound", "InvalidSecurityGroupRuleId.Malformed", "security group rule ID"
)
ENDPOINT = Kind("vpce", "InvalidVpcEndpointId.NotFound", "InvalidVpcEndpointId.Malformed", "Vpc Endpoint Id")
TEMPLATE = Kind("lt", "InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.Malformed", "launch template ID")

MEMBERS = {
    "VpcId": VPC,
    "VpcIds": VPC,
    "SubnetId": SUBNET,
    "SubnetIds": SUBNET,
    "GroupId": GROUP,
    "GroupIds": GROUP,
    "Groups": GROUP,
    "SecurityGroupIds": GROUP,
    "ReferencedGroupId": GROUP,
    "SecurityGroupRuleId": RULE,
    "SecurityGroupRuleIds": RULE,
    "RouteTableId": TABLE,
    "RouteTableIds": TABLE,
    "InternetGatewayId": GATEWAY,
    "InternetGatewayIds": GATEWAY,
    "NatGatewayId": NAT,
    "NatGatewayIds": NAT,
    "InstanceId": INSTANCE,
    "InstanceIds": INSTANCE,
    "NetworkInterfaceId": INTERFACE,
    "NetworkInterfaceIds": INTERFACE,
    "AllocationId": ADDRESS,
    "AllocationIds": ADDRESS,
    "VolumeId": VOLUME,
    "VolumeIds": VOLUME,
    "SnapshotId": SNAPSHOT,
    "SnapshotIds": SNAPSHOT,
    "ImageId": IMAGE,
    "ImageIds": IMAGE,
    "LaunchTemplateId": TEMPLATE,
    "LaunchTemplateIds": TEMPLATE,
}

# How AWS words it that two resources of one request lie in different VPCs.
DIFFERENT_NETWORKS = {
    "RunInstances": ("InvalidParameter", "Security group and subnet belong to different networks."),
    "CreateNetworkInterface": (
        "InvalidParameter",
        "You have specified two resources that belong to different networks.",
    ),
    "ModifySecurityGroupRules": (
        "InvalidGroup.NotFound",
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
        SNAPSHOT: lambda: ec2.snapshots,
        IMAGE: lambda: ec2.amis,
        RULE: lambda: moto_state.security_group_rules(region),
        TEMPLATE: lambda: ec2.launch_templates,
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


@guards("ec2:*", "ec2:?")
def every_reference_exists(call: Call) -> None:
    for kind, identifier in references(call):
        if identifier in found(call.region, kind):
            continue
        if not re.fullmatch(rf"{kind.prefix}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", identifier):
            raise AwsError(kind.malformed, f'Invalid id: "{identifier}"')
        raise AwsError(not_found(kind, call.action), f"The {kind.name} '{identifier}' does not exist")


@guards("ec2:CreateTags", "ec2:DeleteTags")
def every_tagged_resource_exists(call: Call) -> None:
    kinds = {kind.prefix: kind for kind in MEMBERS.values()}
    for identifier in call.parameters.get("Resources") or ():
        kind = kinds.get(identifier.rpartition("-")[0])
        if kind is not None and identifier not in found(call.region, kind):
            raise AwsError(kind.not_found, f"The {kind.name} '{identifier}' does not exist")


def not_found(kind: Kind, action: str) -> str:
    """The code for an identifier of nothing: some actions have one of their own."""
    if kind is NAT and "Route" in action:
        return "InvalidNatGatewayID.NotFound"
    return "InvalidElasticIpID.NotFound" if kind is ADDRESS and action == "CreateNatGateway" else kind.not_found


@guards("ec2:?")
def a_page_has_5_to_1000_entries(call: Call) -> None:
    shape = (
        call.operation.input_shape.members.get("MaxResults") if call.operation and call.operation.input_shape else None
    )
    if shape is not None and not shape.metadata:  # else the service model has bounds of its own
        size = call.parameters.get("MaxResults")
        problem = f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value of 5 to 1000."
        want_range(size, 5, 1000, "InvalidParameterValue", problem)


MODIFIES_ONE = {
    "ModifyVpcAttribute": {"EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics"},
    "ModifySubnetAttribute": {
        "MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation", "EnableDns64", "EnableResourceNameDnsARecordOnLaunch",
        "EnableResourceNameDnsAAAARecordOnLaunch", "PrivateDnsHostnameTypeOnLaunch", "MapCustomerOwnedIpOnLaunch",
        "EnableLniAtDeviceIndex", "DisableLniAtDeviceIndex",
    },
    "ModifyInstanceAttribute": {
        "InstanceType", "UserData", "EbsOptimized", "DisableApiTermination", "DisableApiStop", "Groups", "SourceDestCheck",
        "InstanceInitiatedShutdownBehavior", "BlockDeviceMappings", "EnaSupport", "SriovNetSupport", "Attribute",
        "Kernel", "Ramdisk", "EnclaveOptions",
    },
    "ModifyNetworkInterfaceAttribute": {
        "Description", "SourceDestCheck", "Groups", "Attachment", "EnaSrdSpecification", "EnablePrimaryIpv6",
        "ConnectionTrackingSpecification", "AssociatePublicIpAddress", "AssociatedSubnetIds",
    },
}  # fmt: skip


@guards(*(f"ec2:{action}" for action in MODIFIES_ONE))
def one_attribute_changes_at_a_time(call: Call) -> None:
    given = sorted(MODIFIES_ONE[call.action] & call.parameters.keys())
    refuse_if(
        len(given) > 1,
        "InvalidParameterCombination",
        f"Fields for multiple attribute types specified: {', '.join(given)}",
    )
    refuse_if(not given, "InvalidParameterCombination", "No attributes specified.")


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
    if kind in (GATEWAY, ADDRESS, VOLUME, SNAPSHOT, IMAGE, RULE, TEMPLATE):
        return None
    model = found(region, kind).get(identifier)
    return getattr(model, "vpc_id", None)
