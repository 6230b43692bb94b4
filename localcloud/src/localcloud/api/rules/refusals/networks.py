"""VPCs, subnets and internet gateways."""

from __future__ import annotations

from ipaddress import IPv4Network

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.request import Call

from .rules import guards, refuse_if

SUBNET_PREFIXES = range(16, 29)


def network(text: str, code: str = "InvalidParameterValue") -> IPv4Network:
    """A CIDR block. Raises AwsError for what is none."""
    try:
        return IPv4Network(text if "/" in text else "", strict=False)
    except ValueError as error:
        raise AwsError(
            code, f"Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        ) from error


@guards("ec2:CreateVpc", "ec2:AssociateVpcCidrBlock")
def a_vpc_has_16_to_28_bits(call: Call) -> None:
    block = call.parameters.get("CidrBlock")
    refuse_if(not block, "MissingParameter", "The request must contain the parameter CidrBlock or Ipv4IpamPoolId")
    refuse_if(
        network(str(block)).prefixlen not in SUBNET_PREFIXES, "InvalidVpc.Range", f"The CIDR '{block}' is invalid."
    )


# Private ranges that do not mix in one VPC (VPC User Guide, "IPv4 CIDR block association restrictions").
PRIVATE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.19.0.0/16"))


@guards("ec2:AssociateVpcCidrBlock")
def a_further_block_fits_those_of_the_vpc(call: Call) -> None:
    block = network(str(call.parameters.get("CidrBlock") or "0.0.0.0/16"))
    vpc = moto_state.ec2(call.region).vpcs[call.parameters["VpcId"]]
    for one in vpc.get_cidr_block_association_set():
        if one["cidr_block_state"]["state"] != "associated":
            continue
        there = IPv4Network(one["cidr_block"])
        refuse_if(block.overlaps(there), "InvalidVpc.Range", f"The CIDR '{block}' conflicts with {there} of this VPC.")
        kinds = [next((kind for kind in PRIVATE if one.subnet_of(kind)), None) for one in (block, there)]
        refuse_if(
            None not in kinds and kinds[0] != kinds[1],
            "InvalidVpc.Range",
            f"The CIDR '{block}' is restricted. Use a CIDR from the same private address range as the current VPC CIDR.",
        )


@guards("ec2:DisassociateVpcCidrBlock")
def a_block_with_subnets_stays(call: Call) -> None:
    for vpc in moto_state.ec2(call.region).vpcs.values():
        block = vpc._cidr_block_association_set.get(call.parameters["AssociationId"])
        inside = [
            one
            for one in moto_state.subnets(call.region).values()
            if block and one.vpc_id == vpc.id and one.cidr.subnet_of(IPv4Network(block["cidr_block"]))
        ]
        refuse_if(
            inside and block["cidr_block"] != vpc.cidr_block,
            "InvalidCidrBlock.InUse",
            f"The vpc CIDR block with association ID {call.parameters['AssociationId']} is in use by a subnet.",
        )


@guards("ec2:CreateSubnet")
def a_subnet_has_16_to_28_bits(call: Call) -> None:
    block = call.parameters.get("CidrBlock")
    refuse_if(not block, "MissingParameter", "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided.")
    refuse_if(
        network(str(block)).prefixlen not in SUBNET_PREFIXES, "InvalidSubnet.Range", f"The CIDR '{block}' is invalid."
    )


@guards("ec2:CreateSubnet")
def a_subnet_lies_in_a_zone_of_the_region(call: Call) -> None:
    zone, zone_id = call.parameters.get("AvailabilityZone"), call.parameters.get("AvailabilityZoneId")
    refuse_if(
        zone and zone_id,
        "InvalidParameterCombination",
        "Only one of AvailabilityZone and AvailabilityZoneId may be specified.",
    )
    zones = {one.name for one in moto_state.ec2(call.region).describe_availability_zones()}
    refuse_if(
        zone is not None and zone not in zones,
        "InvalidParameterValue",
        f"Value ({zone}) for parameter availabilityZone is invalid. "
        f"Subnets can currently only be created in the following availability zones: {', '.join(sorted(zones))}.",
    )


@guards("ec2:?")
def zones_asked_for_exist(call: Call) -> None:
    zones = {one.name for one in moto_state.ec2(call.region).describe_availability_zones()}
    for zone in call.parameters.get("ZoneNames") or ():
        refuse_if(zone not in zones, "InvalidParameterValue", f"Invalid availability zone: [{zone}]")


@guards("ec2:DescribeRegions")
def regions_asked_for_exist(call: Call) -> None:
    for region in call.parameters.get("RegionNames") or ():
        refuse_if(region not in moto_state.regions(), "InvalidParameterValue", f"Invalid region names: [{region}]")


@guards("ec2:AttachInternetGateway")
def a_vpc_has_one_internet_gateway(call: Call) -> None:
    vpc = call.parameters["VpcId"]
    for gateway in moto_state.ec2(call.region).internet_gateways.values():
        attached = gateway.vpc is not None and gateway.vpc.id == vpc
        refuse_if(
            attached and gateway.id != call.parameters["InternetGatewayId"],
            "InvalidParameterValue",
            f"Network {vpc} already has an internet gateway attached",
        )


def has_internet_gateway(region: str, vpc_id: str) -> bool:
    gateways = moto_state.ec2(region).internet_gateways.values()
    return any(gateway.vpc is not None and gateway.vpc.id == vpc_id for gateway in gateways)
