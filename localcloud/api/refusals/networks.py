"""VPCs, subnets, gateways, routes and addresses."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from .. import moto_state
from ..errors import AwsError
from ..request import Call
from ..states import instances as instance_states
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


@guards("ec2:CreateRoute", "ec2:ReplaceRoute")
def a_route_has_a_target_in_its_vpc(call: Call) -> None:
    wish = call.parameters
    network(wish.get("DestinationCidrBlock") or "0.0.0.0/0")
    refuse_if(
        not wish.get("DestinationCidrBlock")
        and not wish.get("DestinationIpv6CidrBlock")
        and not wish.get("DestinationPrefixListId"),
        "MissingParameter",
        "The request must contain the parameter destinationCidrBlock.",
    )
    targets = [name for name in wish if name.endswith("Id") and name not in ("RouteTableId", "DestinationPrefixListId")]
    refuse_if(len(targets) == 0, "MissingParameter", "The request must contain exactly one target of the route.")
    refuse_if(
        len(targets) > 1, "InvalidParameterCombination", "The request must contain exactly one target of the route."
    )
    gateway_id = wish.get("GatewayId")
    refuse_if(
        gateway_id and not gateway_id.startswith(("igw-", "vgw-", "vpce-", "local")),
        "InvalidGatewayID.NotFound",
        f"The gateway ID '{gateway_id}' does not exist",
    )
    if gateway_id and gateway_id.startswith("igw-"):
        gateway = moto_state.ec2(call.region).internet_gateways.get(gateway_id)
        refuse_if(gateway is None, "InvalidGatewayID.NotFound", f"The gateway ID '{gateway_id}' does not exist")
        table = moto_state.ec2(call.region).route_tables[wish["RouteTableId"]]
        refuse_if(
            gateway is not None and (gateway.vpc is None or gateway.vpc.id != table.vpc_id),
            "InvalidParameterValue",
            f"route table {table.id} and network gateway {gateway_id} belong to different networks",
        )


@guards("ec2:CreateRoute", "ec2:ReplaceRoute", "ec2:DeleteRoute")
def a_route_leads_out_of_the_vpc(call: Call) -> None:
    """Routes within the VPC lead to interfaces alone, and those the local cloud has not."""
    text = call.parameters.get("DestinationCidrBlock")
    if not text:
        return
    block, table = network(text), moto_state.ec2(call.region).route_tables[call.parameters["RouteTableId"]]
    local = [
        IPv4Network(one.destination_cidr_block) for one in table.routes if one.local and one.destination_cidr_block
    ]
    refuse_if(
        call.action != "DeleteRoute" and block not in local and any(block.subnet_of(one) for one in local),
        "InvalidParameterValue",
        f"The destination CIDR block {block} is equal to or more specific than one of this VPC's CIDR blocks. "
        "This route can target only an interface or an instance.",
    )
    refuse_if(
        call.action == "ReplaceRoute" and block in local,
        "InvalidParameterValue",
        f"The destination CIDR block {block} is that of the local route, which can target only an interface.",
    )


@guards("ec2:CreateRoute", "ec2:DeleteRoute")
def the_local_route_stays(call: Call) -> None:
    table = moto_state.ec2(call.region).route_tables[call.parameters["RouteTableId"]]
    local = {route.destination_cidr_block for route in table.routes if route.local}
    is_local = call.parameters.get("DestinationCidrBlock") in local
    if call.action == "DeleteRoute":
        refuse_if(is_local, "InvalidParameterValue", f"cannot remove local route in route table {table.id}")
    refuse_if(is_local, "RouteAlreadyExists", f"The route identified by {', '.join(local)} already exists.")


@guards("ec2:AssociateRouteTable")
def a_subnet_has_one_route_table(call: Call) -> None:
    subnet = call.parameters.get("SubnetId")
    for table in moto_state.ec2(call.region).route_tables.values():
        refuse_if(
            subnet in table._associations.values() and table.id != call.parameters["RouteTableId"],
            "Resource.AlreadyAssociated",
            f"the specified association for route table {call.parameters['RouteTableId']} conflicts with an existing association",
        )


@guards("ec2:AssociateRouteTable")
def a_table_is_associated_with_something(call: Call) -> None:
    named = call.parameters.get("SubnetId") or call.parameters.get("GatewayId")
    refuse_if(not named, "MissingParameter", "The request must contain the parameter subnetId or gatewayId")


@guards("ec2:ReplaceRouteTableAssociation")
def an_association_moves_within_its_vpc(call: Call) -> None:
    wanted = moto_state.ec2(call.region).route_tables[call.parameters["RouteTableId"]]
    for table in moto_state.ec2(call.region).route_tables.values():
        is_its = call.parameters["AssociationId"] in {*table._associations, table.main_association_id}
        refuse_if(
            is_its and table.vpc_id != wanted.vpc_id,
            "InvalidParameterValue",
            f"route table {wanted.id} and the association's belong to different networks",
        )


@guards("ec2:DisassociateRouteTable")
def the_main_association_stays(call: Call) -> None:
    for table in moto_state.ec2(call.region).route_tables.values():
        refuse_if(
            table.main_association_id == call.parameters["AssociationId"],
            "InvalidParameterValue",
            f"cannot disassociate the main route table association {table.main_association_id}",
        )


@guards("ec2:CreateNatGateway")
def a_nat_gateway_needs_the_internet_and_a_free_address(call: Call) -> None:
    if call.parameters.get("ConnectivityType", "public") != "public":
        return
    allocation = call.parameters.get("AllocationId")
    for member in ("AllocationId", "SubnetId"):
        refuse_if(
            not call.parameters.get(member), "MissingParameter", f"The request must contain the parameter {member}."
        )
    vpc = moto_state.subnets(call.region)[call.parameters["SubnetId"]].vpc_id
    refuse_if(
        not has_internet_gateway(call.region, vpc),
        "NotAvailableInVpc",
        f"Network {vpc} has no Internet gateway attached",
    )
    refuse_if(
        _elastic(call.region, allocation).association_id is not None,
        "Resource.AlreadyAssociated",
        f"Elastic IP address [{allocation}] is already associated",
    )


@guards("ec2:AssociateAddress")
def an_address_goes_to_a_host_with_an_internet_gateway(call: Call) -> None:
    instance_id, interface_id = call.parameters.get("InstanceId"), call.parameters.get("NetworkInterfaceId")
    refuse_if(
        instance_id and interface_id,
        "InvalidParameterCombination",
        "You may specify either an instance or a network interface, not both.",
    )
    refuse_if(
        not instance_id and not interface_id,
        "MissingParameter",
        "Either instance ID or network interface id must be specified",
    )
    _is_on(call, interface_id)
    vpc = None
    if instance_id:
        instance = moto_state.ec2(call.region).get_instance_by_id(instance_id)
        state = instance_states.state_of(instance)
        refuse_if(
            state not in ("running", "stopped", "stopping"),
            "InvalidInstanceID",
            f"The {state} instance '{instance_id}' is not in a valid state for this operation.",
        )
        vpc = instance.vpc_id
    elif interface_id:
        vpc = moto_state.ec2(call.region).enis[interface_id].vpc_id
    refuse_if(
        vpc is not None and not has_internet_gateway(call.region, vpc),
        "Gateway.NotAttached",
        f"Network {vpc} is not attached to any internet gateway",
    )


def _is_on(call: Call, interface_id: str | None) -> None:
    """A private address that is named is the interface's."""
    private = call.parameters.get("PrivateIpAddress")
    interface = moto_state.ec2(call.region).enis.get(interface_id or "")
    if private is None or interface is None:
        return
    refuse_if(
        private not in {one["PrivateIpAddress"] for one in interface.private_ip_addresses},
        "InvalidParameterValue",
        f"The networkInterface ID '{interface_id}' does not have the private IP address {private}",
    )


@guards("ec2:AssociateAddress")
def the_address_of_a_nat_gateway_goes_nowhere_else(call: Call) -> None:
    for elastic in moto_state.ec2(call.region).addresses:
        is_it = call.parameters.get("AllocationId") == elastic.allocation_id or (
            call.parameters.get("PublicIp") == elastic.public_ip
        )
        if not is_it or not str(getattr(elastic.eni, "manager", "")).startswith("nat-"):
            continue
        again = call.parameters.get("AllowReassociation")
        refuse_if(again, "AuthFailure", "You do not have permission to access the specified resource.")
        raise AwsError(
            "Resource.AlreadyAssociated",
            f"resource {elastic.allocation_id} is already associated with associate-id {elastic.association_id}",
        )


@guards("ec2:AllocateAddress")
def an_address_comes_from_amazons_pool(call: Call) -> None:
    wish = call.parameters
    refuse_if(wish.get("Address"), "InvalidAddress.NotFound", f"Address '{wish.get('Address')}' not found.")
    pool = wish.get("PublicIpv4Pool")
    refuse_if(
        pool not in (None, "amazon"),
        "InvalidPublicIpv4PoolID.NotFound",
        f"The public IPv4 pool ID '{pool}' does not exist.",
    )
    border = wish.get("NetworkBorderGroup")
    refuse_if(
        border not in (None, call.region), "InvalidParameterValue", f"Invalid value '{border}' for NetworkBorderGroup."
    )


@guards("ec2:DisassociateAddress")
def the_address_of_a_nat_gateway_stays(call: Call) -> None:
    for elastic in moto_state.ec2(call.region).addresses:
        wanted = elastic.association_id is not None and elastic.association_id == call.parameters.get("AssociationId")
        refuse_if(
            wanted and str(getattr(elastic.eni, "manager", "")).startswith("nat-"),
            "AuthFailure",
            "You do not have permission to access the specified resource.",
        )


def has_internet_gateway(region: str, vpc_id: str) -> bool:
    gateways = moto_state.ec2(region).internet_gateways.values()
    return any(gateway.vpc is not None and gateway.vpc.id == vpc_id for gateway in gateways)


def _elastic(region: str, allocation_id: str | None) -> Any:
    return next(one for one in moto_state.ec2(region).addresses if one.allocation_id == allocation_id)
