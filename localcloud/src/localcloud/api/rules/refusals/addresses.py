"""Elastic addresses, and the NAT gateways that have them."""

from __future__ import annotations

from typing import Any

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.moto.states import instances as instance_states
from localcloud.api.moto.states import nat_gateways
from localcloud.api.request import Call

from .networks import has_internet_gateway
from .rules import NOT_YOURS, guards, refuse_if


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
        if not is_it or not elastic.association_id or not nat_gateways.holds(elastic):
            continue
        refuse_if(call.parameters.get("AllowReassociation"), *NOT_YOURS)
        raise AwsError(
            "Resource.AlreadyAssociated",
            f"resource {elastic.allocation_id} is already associated with associate-id {elastic.association_id}",
        )


@guards("ec2:AllocateAddress")
def an_address_comes_from_amazons_pool(call: Call) -> None:
    params = call.parameters
    refuse_if(params.get("Address"), "InvalidAddress.NotFound", f"Address '{params.get('Address')}' not found.")
    pool = params.get("PublicIpv4Pool")
    refuse_if(
        pool not in (None, "amazon"),
        "InvalidPublicIpv4PoolID.NotFound",
        f"The public IPv4 pool ID '{pool}' does not exist.",
    )
    border = params.get("NetworkBorderGroup")
    refuse_if(
        border not in (None, call.region), "InvalidParameterValue", f"Invalid value '{border}' for NetworkBorderGroup."
    )


@guards("ec2:DisassociateAddress")
def the_address_of_a_nat_gateway_stays(call: Call) -> None:
    for elastic in moto_state.ec2(call.region).addresses:
        wanted = elastic.association_id is not None and elastic.association_id == call.parameters.get("AssociationId")
        refuse_if(wanted and nat_gateways.holds(elastic), *NOT_YOURS)


def _elastic(region: str, allocation_id: str | None) -> Any:
    return next(one for one in moto_state.ec2(region).addresses if one.allocation_id == allocation_id)
