"""Routes, and what route tables are associated with."""

from __future__ import annotations

from ipaddress import IPv4Network

from localcloud.api.moto import moto_state
from localcloud.api.request import Call

from .networks import network
from .rules import guards, refuse_if


@guards("ec2:CreateRoute", "ec2:ReplaceRoute")
def a_route_has_a_target_in_its_vpc(call: Call) -> None:
    params = call.parameters
    network(params.get("DestinationCidrBlock") or "0.0.0.0/0")
    refuse_if(
        not params.get("DestinationCidrBlock")
        and not params.get("DestinationIpv6CidrBlock")
        and not params.get("DestinationPrefixListId"),
        "MissingParameter",
        "The request must contain the parameter destinationCidrBlock.",
    )
    targets = [
        name for name in params if name.endswith("Id") and name not in ("RouteTableId", "DestinationPrefixListId")
    ]
    refuse_if(len(targets) == 0, "MissingParameter", "The request must contain exactly one target of the route.")
    refuse_if(
        len(targets) > 1, "InvalidParameterCombination", "The request must contain exactly one target of the route."
    )
    gateway_id = params.get("GatewayId")
    refuse_if(
        gateway_id and not gateway_id.startswith(("igw-", "vgw-", "vpce-", "local")),
        "InvalidGatewayID.NotFound",
        f"The gateway ID '{gateway_id}' does not exist",
    )
    if gateway_id and gateway_id.startswith("igw-"):
        gateway = moto_state.ec2(call.region).internet_gateways.get(gateway_id)
        refuse_if(gateway is None, "InvalidGatewayID.NotFound", f"The gateway ID '{gateway_id}' does not exist")
        table = moto_state.ec2(call.region).route_tables[params["RouteTableId"]]
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
