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
    if block:
        refuse_if(
            network(str(block)).prefixlen not in SUBNET_PREFIXES, "InvalidVpc.Range", f"The CIDR '{block}' is invalid."
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
    zone = call.parameters.get("AvailabilityZone")
    zones = {one.name for one in moto_state.ec2(call.region).describe_availability_zones()}
    refuse_if(
        zone is not None and zone not in zones,
        "InvalidParameterValue",
        f"Value ({zone}) for parameter availabilityZone is invalid. "
        f"Subnets can currently only be created in the following availability zones: {', '.join(sorted(zones))}.",
    )


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
    if gateway_id and gateway_id.startswith("igw-"):
        gateway = moto_state.ec2(call.region).internet_gateways.get(gateway_id)
        refuse_if(gateway is None, "InvalidGatewayID.NotFound", f"The gateway ID '{gateway_id}' does not exist")
        table = moto_state.ec2(call.region).route_tables[wish["RouteTableId"]]
        refuse_if(
            gateway is not None and (gateway.vpc is None or gateway.vpc.id != table.vpc_id),
            "InvalidParameterValue",
            f"route table {table.id} and network gateway {gateway_id} belong to different networks",
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
    refuse_if(not allocation, "MissingParameter", "The request must contain the parameter AllocationId.")
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


@guards("ec2:DescribeNatGateways")
def nat_gateways_asked_for_exist(call: Call) -> None:
    known = moto_state.ec2(call.region).nat_gateways
    for identifier in call.parameters.get("NatGatewayIds") or ():
        refuse_if(identifier not in known, "NatGatewayNotFound", f"NAT gateway {identifier} was not found")


@guards("ec2:AssociateAddress")
def an_address_goes_to_a_host_with_an_internet_gateway(call: Call) -> None:
    instance_id, interface_id = call.parameters.get("InstanceId"), call.parameters.get("NetworkInterfaceId")
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


@guards("ec2:DisassociateAddress")
def the_address_of_a_nat_gateway_stays(call: Call) -> None:
    for elastic in moto_state.ec2(call.region).addresses:
        wanted = elastic.association_id is not None and elastic.association_id == call.parameters.get("AssociationId")
        refuse_if(
            wanted and str(getattr(elastic.eni, "manager", "")).startswith("nat-"),
            "AuthFailure",
            "You do not have permission to access the specified resource.",
        )


@guards("ec2:CreateVpcEndpoint")
def an_endpoint_names_a_service_of_the_region(call: Call) -> None:
    name = call.parameters.get("ServiceName", "")
    refuse_if(
        not name.startswith((f"com.amazonaws.{call.region}.", "com.amazonaws.vpce.")),
        "InvalidServiceName",
        f"The Vpc Endpoint Service '{name}' does not exist",
    )


def has_internet_gateway(region: str, vpc_id: str) -> bool:
    gateways = moto_state.ec2(region).internet_gateways.values()
    return any(gateway.vpc is not None and gateway.vpc.id == vpc_id for gateway in gateways)


def _elastic(region: str, allocation_id: str | None) -> Any:
    return next(one for one in moto_state.ec2(region).addresses if one.allocation_id == allocation_id)
