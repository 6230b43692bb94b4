"""The kinds of resources that EC2 knows: how the environment's are found, and how one is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .account import Environment, Resource, owner, pages, tags_of


def _resource(kind: str, identifier: str, item: dict[str, Any], **more: Any) -> Resource:
    tags = tags_of(item.get("Tags") or item.get("TagSet"))
    more.setdefault("name", tags.get("Name", ""))
    more.setdefault("vpc_ids", (item["VpcId"],) if item.get("VpcId") else ())
    return Resource(kind, identifier, owner=owner(tags), **more)


# -- instances and what belongs to them -------------------------------------------------------------------
def instances(environment: Environment) -> Iterator[Resource]:
    for reservation in environment.in_vpc_or_tagged("describe_instances", "Reservations"):
        for item in reservation["Instances"]:
            state = item["State"]["Name"]
            if state != "terminated":
                yield _resource(
                    "instance", item["InstanceId"], item, state=state, deleting=state == "shutting-down",
                    data="its disk" if item.get("BlockDeviceMappings") else "",
                )  # fmt: skip


def delete_instance(environment: Environment, resource: Resource) -> None:
    environment.client("ec2").terminate_instances(InstanceIds=[resource.id])


def volumes(environment: Environment) -> Iterator[Resource]:
    for item in pages(environment.client("ec2"), "describe_volumes", "Volumes", Filters=environment.tag_filter):
        yield _resource(
            "volume", item["VolumeId"], item, state=item["State"], deleting=item["State"] == "deleting",
            # The root volume of an instance goes with it.
            managed=any(attachment.get("DeleteOnTermination") for attachment in item.get("Attachments", ())),
            data=f"{item['Size']} GiB",
        )  # fmt: skip


def delete_volume(environment: Environment, resource: Resource) -> None:
    environment.client("ec2").delete_volume(VolumeId=resource.id)


def key_pairs(environment: Environment) -> Iterator[Resource]:
    for item in environment.client("ec2").describe_key_pairs(Filters=environment.tag_filter)["KeyPairs"]:
        yield _resource("key pair", item["KeyPairId"], item, name=item["KeyName"])


def delete_key_pair(environment: Environment, resource: Resource) -> None:
    environment.client("ec2").delete_key_pair(KeyPairId=resource.id)


# -- ways in and out of the VPC ---------------------------------------------------------------------------
def nat_gateways(environment: Environment) -> Iterator[Resource]:
    for item in environment.in_vpc_or_tagged("describe_nat_gateways", "NatGateways"):
        if item["State"] != "deleted":
            deleting = item["State"] == "deleting"
            yield _resource("NAT gateway", item["NatGatewayId"], item, state=item["State"], deleting=deleting)


def delete_nat_gateway(environment: Environment, resource: Resource) -> None:
    environment.client("ec2").delete_nat_gateway(NatGatewayId=resource.id)


def endpoints(environment: Environment) -> Iterator[Resource]:
    for item in environment.in_vpc_or_tagged("describe_vpc_endpoints", "VpcEndpoints"):
        state = item["State"].lower()
        if state != "deleted":
            yield _resource("VPC endpoint", item["VpcEndpointId"], item, state=state, deleting=state == "deleting")


def delete_endpoint(environment: Environment, resource: Resource) -> None:
    environment.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[resource.id])


def addresses(environment: Environment) -> Iterator[Resource]:
    ec2 = environment.client("ec2")
    for item in ec2.describe_addresses(Filters=environment.tag_filter)["Addresses"]:
        association = item.get("AssociationId")
        yield _resource(
            "elastic address", item["AllocationId"], item, state=item["PublicIp"], detail={"association": association}
        )


def release_address(environment: Environment, resource: Resource) -> None:
    ec2 = environment.client("ec2")
    if resource.detail["association"]:
        ec2.disassociate_address(AssociationId=resource.detail["association"])
    ec2.release_address(AllocationId=resource.id)


def internet_gateways(environment: Environment) -> Iterator[Resource]:
    for item in environment.in_vpc_or_tagged("describe_internet_gateways", "InternetGateways", "attachment.vpc-id"):
        attached = tuple(attachment["VpcId"] for attachment in item.get("Attachments", ()))
        yield _resource("internet gateway", item["InternetGatewayId"], item, vpc_ids=attached)


def delete_internet_gateway(environment: Environment, resource: Resource) -> None:
    ec2 = environment.client("ec2")
    for vpc_id in resource.vpc_ids:
        ec2.detach_internet_gateway(InternetGatewayId=resource.id, VpcId=vpc_id)
    ec2.delete_internet_gateway(InternetGatewayId=resource.id)


# -- inside the VPC ---------------------------------------------------------------------------------------
def interfaces(environment: Environment) -> Iterator[Resource]:
    for item in environment.in_vpc_or_tagged("describe_network_interfaces", "NetworkInterfaces"):
        attachment = item.get("Attachment") or {}
        # A service's own interface is nobody else's to touch, whatever its state; an instance's goes with it.
        with_instance = bool(attachment.get("DeleteOnTermination")) and item["Status"] != "available"
        yield _resource(
            "network interface", item["NetworkInterfaceId"], item, name=item.get("Description", ""),
            state=item["Status"], managed=bool(item.get("RequesterManaged")) or with_instance,
            detail={"attachment": attachment.get("AttachmentId")},
        )  # fmt: skip


def delete_interface(environment: Environment, resource: Resource) -> None:
    ec2 = environment.client("ec2")
    if resource.detail["attachment"]:
        ec2.detach_network_interface(AttachmentId=resource.detail["attachment"], Force=True)
    ec2.delete_network_interface(NetworkInterfaceId=resource.id)


def security_groups(environment: Environment) -> Iterator[Resource]:
    for item in environment.in_vpc_or_tagged("describe_security_groups", "SecurityGroups"):
        if item["GroupName"] != "default":
            yield _resource("security group", item["GroupId"], item, name=item["GroupName"])


def delete_security_group(environment: Environment, resource: Resource) -> None:
    """Groups that refer to one another cannot be deleted, so the references of all others to this one go first."""
    ec2 = environment.client("ec2")
    for direction, permissions, revoke in (
        ("ip-permission", "IpPermissions", ec2.revoke_security_group_ingress),
        ("egress.ip-permission", "IpPermissionsEgress", ec2.revoke_security_group_egress),
    ):
        by_reference = [{"Name": f"{direction}.group-id", "Values": [resource.id]}]
        for group in pages(ec2, "describe_security_groups", "SecurityGroups", Filters=by_reference):
            references = [
                {**permission, "UserIdGroupPairs": [pair], "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": []}
                for permission in group[permissions]
                for pair in permission.get("UserIdGroupPairs", ())
                if pair.get("GroupId") == resource.id
            ]
            if references:
                revoke(GroupId=group["GroupId"], IpPermissions=references)
    ec2.delete_security_group(GroupId=resource.id)


def subnets(environment: Environment) -> Iterator[Resource]:
    for item in environment.in_vpc_or_tagged("describe_subnets", "Subnets"):
        yield _resource("subnet", item["SubnetId"], item)


def delete_subnet(environment: Environment, resource: Resource) -> None:
    environment.client("ec2").delete_subnet(SubnetId=resource.id)


def route_tables(environment: Environment) -> Iterator[Resource]:
    for item in environment.in_vpc_or_tagged("describe_route_tables", "RouteTables"):
        # The main route table goes with its VPC.
        if not any(association.get("Main") for association in item["Associations"]):
            associations = [association["RouteTableAssociationId"] for association in item["Associations"]]
            yield _resource("route table", item["RouteTableId"], item, detail={"associations": associations})


def delete_route_table(environment: Environment, resource: Resource) -> None:
    ec2 = environment.client("ec2")
    for association in resource.detail["associations"]:
        ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route_table(RouteTableId=resource.id)


def network_acls(environment: Environment) -> Iterator[Resource]:
    for item in environment.in_vpc_or_tagged("describe_network_acls", "NetworkAcls"):
        if not item["IsDefault"]:
            yield _resource("network ACL", item["NetworkAclId"], item)


def delete_network_acl(environment: Environment, resource: Resource) -> None:
    environment.client("ec2").delete_network_acl(NetworkAclId=resource.id)


def vpcs(environment: Environment) -> Iterator[Resource]:
    for item in pages(environment.client("ec2"), "describe_vpcs", "Vpcs", Filters=environment.tag_filter):
        yield _resource("VPC", item["VpcId"], item, state=item["CidrBlock"])


def delete_vpc(environment: Environment, resource: Resource) -> None:
    environment.client("ec2").delete_vpc(VpcId=resource.id)
