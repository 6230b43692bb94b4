"""Nothing that is in use can be deleted, detached or released."""

from __future__ import annotations

from typing import Any

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.moto.corrections.attachments import service_attachment
from localcloud.api.moto.states import instances, nat_gateways
from localcloud.api.request import Call

from .rules import NOT_YOURS, guards, refuse_if


def _violation(what: str, identifier: str) -> AwsError:
    return AwsError("DependencyViolation", f"The {what} '{identifier}' has dependencies and cannot be deleted.")


def _interfaces(region: str) -> list[Any]:
    return list(moto_state.ec2(region).enis.values())


def _ending(region: str) -> list[Any]:
    """Instances on their way to terminated: moto has dropped their interfaces, AWS has not yet."""
    return [one for one in moto_state.instances(region) if instances.state_of(one) == "shutting-down"]


@guards("ec2:DeleteSecurityGroup")
def a_group_in_use_stays(call: Call) -> None:
    groups = moto_state.security_groups(call.region)
    group_id = call.parameters.get("GroupId") or next(
        (one.id for one in groups.values() if one.name == call.parameters.get("GroupName")), ""
    )
    if group_id not in groups:
        return
    refuse_if(
        groups[group_id].name == "default",
        "CannotDelete",
        f'the specified group: "{group_id}" name: "default" cannot be deleted by a user',
    )
    users = [one for one in _interfaces(call.region) if group_id in {group.id for group in one.group_set}]
    users += [one for one in _ending(call.region) if group_id in {group.id for group in one.security_groups}]
    referring = [
        one
        for one in groups.values()
        if one.id != group_id
        for rule in (*one.ingress_rules, *one.egress_rules)
        if rule.source_group.get("GroupId") == group_id
    ]
    refuse_if(users or referring, "DependencyViolation", f"resource {group_id} has a dependent object")


@guards("ec2:DeleteSubnet")
def a_subnet_in_use_stays(call: Call) -> None:
    subnet_id = call.parameters["SubnetId"]
    users = [one for one in _interfaces(call.region) if one.subnet.id == subnet_id]
    users += [one for one in _ending(call.region) if one.subnet_id == subnet_id]
    if users:
        raise _violation("subnet", subnet_id)


@guards("ec2:DeleteVpc")
def a_vpc_in_use_stays(call: Call) -> None:
    vpc_id, ec2 = call.parameters["VpcId"], moto_state.ec2(call.region)
    inside = [
        *(one for one in moto_state.subnets(call.region).values() if one.vpc_id == vpc_id),
        *(one for one in ec2.internet_gateways.values() if one.vpc is not None and one.vpc.id == vpc_id),
        *(
            one
            for one in moto_state.security_groups(call.region).values()
            if one.vpc_id == vpc_id and one.name != "default"
        ),
        *(one for one in ec2.route_tables.values() if one.vpc_id == vpc_id and one.main_association_id is None),
        *(one for one in ec2.nat_gateways.values() if one.vpc_id == vpc_id and nat_gateways.state_of(one) != "deleted"),
        *(one for one in _interfaces(call.region) if one.vpc_id == vpc_id),
    ]
    if inside:
        raise _violation("vpc", vpc_id)


@guards("ec2:DetachInternetGateway")
def a_gateway_is_attached(call: Call) -> None:
    gateway = moto_state.ec2(call.region).internet_gateways[call.parameters["InternetGatewayId"]]
    refuse_if(
        gateway.vpc is None or gateway.vpc.id != call.parameters["VpcId"],
        "Gateway.NotAttached",
        f"resource {gateway.id} is not attached to network {call.parameters['VpcId']}",
    )


@guards("ec2:DetachInternetGateway")
def a_gateway_with_mapped_addresses_stays(call: Call) -> None:
    vpc_id = call.parameters["VpcId"]
    mapped = [one for one in _interfaces(call.region) if one.vpc_id == vpc_id and one.public_ip]
    refuse_if(
        mapped,
        "DependencyViolation",
        f"Network {vpc_id} has some mapped public address(es). "
        "Please unmap those public address(es) before detaching the gateway.",
    )


@guards("ec2:ReleaseAddress")
def an_address_of_a_vpc_is_released_by_its_id(call: Call) -> None:
    refuse_if(
        call.parameters.get("PublicIp") and not call.parameters.get("AllocationId"),
        "InvalidParameterValue",
        "You must specify an allocation id when releasing a VPC elastic IP address",
    )


@guards("ec2:ReleaseAddress")
def an_address_in_use_stays(call: Call) -> None:
    for elastic in moto_state.ec2(call.region).addresses:
        is_it = elastic.allocation_id == call.parameters.get("AllocationId") or (
            elastic.public_ip == call.parameters.get("PublicIp")
        )
        refuse_if(is_it and nat_gateways.holds(elastic), *NOT_YOURS)
        refuse_if(is_it and elastic.association_id, "InvalidIPAddress.InUse", f"Address {elastic.public_ip} is in use.")


@guards("ec2:DeleteRouteTable")
def a_route_table_in_use_stays(call: Call) -> None:
    table = moto_state.ec2(call.region).route_tables[call.parameters["RouteTableId"]]
    if table.main_association_id is not None or table._associations:
        raise _violation("routeTable", table.id)


@guards("ec2:DeleteNetworkInterface")
def an_interface_in_use_stays(call: Call) -> None:
    interface = moto_state.ec2(call.region).enis[call.parameters["NetworkInterfaceId"]]
    refuse_if(
        interface.status == "in-use" or interface.instance is not None,
        "InvalidParameterValue",
        f"Network interface '{interface.id}' is currently in use.",
    )


@guards("ec2:DetachNetworkInterface")
def the_attachment_of_a_service_stays(call: Call) -> None:
    for interface in _interfaces(call.region):
        attachment = service_attachment(interface)
        refuse_if(
            attachment and attachment.attachment_id == call.parameters.get("AttachmentId"),
            "OperationNotPermitted",
            "You are not allowed to manage 'ela-attach' attachments.",
        )


@guards("ec2:ModifyNetworkInterfaceAttribute")
def the_interface_of_a_service_is_not_changed(call: Call) -> None:
    interface = moto_state.ec2(call.region).enis[call.parameters["NetworkInterfaceId"]]
    refuse_if(service_attachment(interface), *NOT_YOURS)


@guards("ec2:DetachNetworkInterface")
def the_first_interface_stays(call: Call) -> None:
    for interface in _interfaces(call.region):
        refuse_if(
            interface.attachment_id == call.parameters.get("AttachmentId") and interface.device_index == 0,
            "OperationNotPermitted",
            f"The network interface at device index 0 cannot be detached: '{interface.id}'",
        )


@guards("ec2:DeleteVolume")
def a_volume_in_use_stays(call: Call) -> None:
    volume = moto_state.ec2(call.region).volumes[call.parameters["VolumeId"]]
    refuse_if(volume.attachment, "VolumeInUse", f"Volume {volume.id} is currently attached")


@guards("elbv2:DeleteLoadBalancer")
def a_protected_load_balancer_stays(call: Call) -> None:
    balancer = moto_state.elbv2(call.region).load_balancers.get(call.parameters["LoadBalancerArn"])
    refuse_if(
        balancer is not None and balancer.attrs.get("deletion_protection.enabled") == "true",
        "OperationNotPermitted",
        f"Load balancer '{call.parameters['LoadBalancerArn']}' cannot be deleted because deletion protection is enabled",
    )


@guards("rds:DeleteDBSubnetGroup")
def a_subnet_group_in_use_stays(call: Call) -> None:
    name = call.parameters["DBSubnetGroupName"].lower()
    for database in moto_state.rds(call.region).databases.values():
        group = getattr(database, "db_subnet_group", None)
        refuse_if(
            group is not None and group.name == name,
            "InvalidDBSubnetGroupStateFault",
            f"Cannot delete the subnet group '{name}' because at least one database instance: "
            f"{database.db_instance_identifier} is still using it.",
        )


@guards("rds:DeleteDBParameterGroup")
def a_parameter_group_in_use_stays(call: Call) -> None:
    name = call.parameters["DBParameterGroupName"].lower()
    refuse_if(name.startswith("default."), "InvalidDBParameterGroupState", "Default DBParameterGroup cannot be deleted")
    users = [one for one in moto_state.rds(call.region).databases.values() if one.db_parameter_group_name == name]
    refuse_if(
        users,
        "InvalidDBParameterGroupState",
        "One or more database instances are still members of this parameter group",
    )


@guards("rds:DeleteDBInstance")
def a_deletion_says_what_becomes_of_the_data(call: Call) -> None:
    params = call.parameters
    final, skip = params.get("FinalDBSnapshotIdentifier"), params.get("SkipFinalSnapshot")
    refuse_if(
        not skip and not final,
        "InvalidParameterCombination",
        "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
    )
    refuse_if(
        skip and final,
        "InvalidParameterCombination",
        "FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is specified.",
    )
    refuse_if(
        final and final.lower() in moto_state.rds(call.region).database_snapshots,
        "DBSnapshotAlreadyExists",
        f"Cannot create the snapshot because a snapshot with the identifier {final} already exists.",
    )
