"""Refusals of further kinds, with their accepted twins: networks, routes, addresses, security groups."""

from __future__ import annotations

from typing import Any

import pytest

from ..helpers import Clients, World, group, network, refused, subnet
from .test_refusals import ANYWHERE, Row, ec2, permission, refuse_and_accept

NOWHERE = "0123456789abcdef0"


def ingress(code: str, refused: list[dict[str, Any]], accepted: list[dict[str, Any]]) -> Row:
    """Rules of a fresh group."""
    return ec2(
        "authorize_security_group_ingress",
        code,
        lambda w, n: {"GroupId": group(w.ec2, w.vpc, n), "IpPermissions": refused},
        lambda w, n: {"GroupId": group(w.ec2, w.vpc, f"{n}-2"), "IpPermissions": accepted},
    )


def icmp(kind: int, code: int) -> list[dict[str, Any]]:
    return [{"IpProtocol": "icmp", "FromPort": kind, "ToPort": code, **ANYWHERE}]


def described(text: str) -> list[dict[str, Any]]:
    return permission(80, IpRanges=[{"CidrIp": "203.0.113.0/24", "Description": text}])


def named_group(name: str, description: str, code: str = "InvalidParameterValue") -> Row:
    return ec2(
        "create_security_group",
        code,
        lambda w, n: {"GroupName": name, "Description": description, "VpcId": w.vpc},
        lambda w, n: {"GroupName": n, "Description": "for a test", "VpcId": w.vpc},
    )


def route(w: World, destination: str, **target: str) -> dict[str, Any]:
    return {"RouteTableId": w.table, "DestinationCidrBlock": destination, **(target or {"GatewayId": gateway(w)})}


def gateway(w: World) -> str:
    found = w.ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [w.vpc]}])
    identifier: str = found["InternetGateways"][0]["InternetGatewayId"]
    return identifier


def unknown(action: str, member: str, identifier: str, code: str) -> Row:
    value: Any = [identifier] if member.endswith("s") else identifier
    return ec2(action, code, lambda w, n: {member: value}, None)


ROWS = {
    "group name of 256 letters": named_group("g" * 256, "d"),
    "group description of 256 letters": named_group("long", "d" * 256),
    "group without description": named_group("mute", "", "MissingParameter"),
    "group name of another group": named_group("web", "d", "InvalidGroup.Duplicate"),
    "ICMP type 256": ingress("InvalidParameterValue", icmp(256, 0), icmp(8, 0)),
    "ICMP code 256": ingress("InvalidParameterValue", icmp(3, 256), icmp(3, -1)),
    "ICMP code without type": ingress("InvalidParameterValue", icmp(-1, 4), icmp(-1, -1)),
    "TCP port -1": ingress("InvalidParameterValue", permission(-1, **ANYWHERE), permission(0, 65535, **ANYWHERE)),
    "protocol 256": ingress(
        "InvalidParameterValue", [{"IpProtocol": "256", **ANYWHERE}], [{"IpProtocol": "50", **ANYWHERE}]
    ),
    "IPv6 range that is none": ingress(
        "InvalidParameterValue",
        permission(80, Ipv6Ranges=[{"CidrIpv6": "10.0.0.0/8"}]),
        permission(80, Ipv6Ranges=[{"CidrIpv6": "::/0"}]),
    ),
    "rule description of 256 letters": ingress("InvalidParameterValue", described("d" * 256), described("d" * 255)),
    "rule description with ü": ingress("InvalidParameterValue", described("für alle"), described("for all: [80, 81]")),
    "rule of a group that is a name": ingress(
        "InvalidGroupId.Malformed", permission(80, UserIdGroupPairs=[{"GroupId": "web"}]), permission(80, **ANYWHERE)
    ),
    "rule twice in one request": ingress(
        "InvalidPermission.Duplicate", permission(80, **ANYWHERE) * 2, permission(80, **ANYWHERE) + permission(81, **ANYWHERE)
    ),
    "rule without a group": ec2(
        "authorize_security_group_ingress",
        "MissingParameter",
        lambda w, n: {"IpPermissions": permission(80, **ANYWHERE)},
        None,
    ),
    "VPC /29": ec2("create_vpc", "InvalidVpc.Range", lambda w, n: {"CidrBlock": "10.3.0.0/29"}, None),
    "VPC without a block": ec2("create_vpc", "MissingParameter", lambda w, n: {}, None),
    "VPC of an address": ec2("create_vpc", "InvalidParameterValue", lambda w, n: {"CidrBlock": "10.3.0.0"}, None),
    "subnet in a zone that has two names": ec2(
        "create_subnet",
        "InvalidParameterCombination",
        lambda w, n: {
            "VpcId": w.vpc, "CidrBlock": "10.9.54.0/24", "AvailabilityZone": "us-east-1a", "AvailabilityZoneId": "use1-az1",
        },
        lambda w, n: {"VpcId": w.vpc, "CidrBlock": "10.9.54.0/24", "AvailabilityZone": "us-east-1a"},
    ),
    "second block over the first": ec2(
        "associate_vpc_cidr_block",
        "InvalidVpc.Range",
        lambda w, n: {"VpcId": w.other_vpc, "CidrBlock": "10.8.0.0/17"},
        lambda w, n: {"VpcId": w.other_vpc, "CidrBlock": "10.18.0.0/16"},
    ),
    "second block of another private range": ec2(
        "associate_vpc_cidr_block",
        "InvalidVpc.Range",
        lambda w, n: {"VpcId": w.other_vpc, "CidrBlock": "192.168.0.0/16"},
        lambda w, n: {"VpcId": w.other_vpc, "CidrBlock": "100.64.0.0/16"},
    ),
    "two attributes of a VPC": ec2(
        "modify_vpc_attribute",
        "InvalidParameterCombination",
        lambda w, n: {"VpcId": w.vpc, "EnableDnsSupport": {"Value": True}, "EnableDnsHostnames": {"Value": True}},
        lambda w, n: {"VpcId": w.vpc, "EnableDnsHostnames": {"Value": True}},
    ),
    "two attributes of an instance": ec2(
        "modify_instance_attribute",
        "InvalidParameterCombination",
        lambda w, n: {"InstanceId": w.instance, "DisableApiStop": {"Value": False}, "SourceDestCheck": {"Value": True}},
        lambda w, n: {"InstanceId": w.instance, "DisableApiStop": {"Value": False}},
    ),
    "gateway attached twice": ec2(
        "attach_internet_gateway",
        "Resource.AlreadyAssociated",
        lambda w, n: {"InternetGatewayId": gateway(w), "VpcId": w.other_vpc},
        None,
    ),
    "gateway detached from elsewhere": ec2(
        "detach_internet_gateway",
        "Gateway.NotAttached",
        lambda w, n: {"InternetGatewayId": gateway(w), "VpcId": w.other_vpc},
        None,
    ),
    "attached gateway": ec2(
        "delete_internet_gateway", "DependencyViolation", lambda w, n: {"InternetGatewayId": gateway(w)}, None
    ),
    "route within the VPC": ec2(
        "create_route",
        "InvalidParameterValue",
        lambda w, n: route(w, "10.9.5.0/24"),
        lambda w, n: route(w, "10.0.0.0/8"),
    ),
    "local route to the internet": ec2(
        "replace_route",
        "InvalidParameterValue",
        lambda w, n: route(w, "10.9.0.0/16"),
        None,
    ),
    "route that is not replaced": ec2(
        "replace_route", "InvalidParameterValue", lambda w, n: route(w, "192.0.2.0/24"), None
    ),
    "route that is not deleted": ec2(
        "delete_route",
        "InvalidRoute.NotFound",
        lambda w, n: {"RouteTableId": w.table, "DestinationCidrBlock": "192.0.2.0/24"},
        None,
    ),
    "association with nothing": ec2(
        "associate_route_table", "MissingParameter", lambda w, n: {"RouteTableId": w.table}, None
    ),
    "NAT gateway at an address that is not": ec2(
        "create_nat_gateway", "InvalidElasticIpID.NotFound", lambda w, n: {"AllocationId": f"eipalloc-{NOWHERE}"}, None
    ),
    "address of one's choice": ec2(
        "allocate_address", "InvalidAddress.NotFound", lambda w, n: {"Domain": "vpc", "Address": "198.18.200.5"}, None
    ),
    "address of another region": ec2(
        "allocate_address",
        "InvalidParameterValue",
        lambda w, n: {"Domain": "vpc", "NetworkBorderGroup": "us-west-2"},
        None,
    ),
    "unknown VPC": unknown("describe_vpcs", "VpcIds", f"vpc-{NOWHERE}", "InvalidVpcID.NotFound"),
    "malformed instance": unknown("describe_instances", "InstanceIds", "i-xyz", "InvalidInstanceID.Malformed"),
    "malformed group": unknown("describe_security_groups", "GroupIds", "sg-x", "InvalidGroupId.Malformed"),
    "malformed image": unknown("describe_images", "ImageIds", "ami-x", "InvalidAMIID.Malformed"),
    "unknown template": unknown(
        "describe_launch_templates", "LaunchTemplateIds", f"lt-{NOWHERE}", "InvalidLaunchTemplateId.NotFound"
    ),
    "malformed NAT gateway": unknown("delete_nat_gateway", "NatGatewayId", "nat-x", "NatGatewayMalformed"),
    "unknown zone": unknown("describe_availability_zones", "ZoneNames", "us-east-1z", "InvalidParameterValue"),
    "unknown region": unknown("describe_regions", "RegionNames", "mars-1", "InvalidParameterValue"),
    "page of 2": ec2(
        "describe_instances", "InvalidParameterValue", lambda w, n: {"MaxResults": 2}, lambda w, n: {"MaxResults": 5}
    ),
    "tag on what is not": ec2(
        "create_tags",
        "InvalidInstanceID.NotFound",
        lambda w, n: {"Resources": [f"i-{NOWHERE}"], "Tags": [{"Key": "a", "Value": "b"}]},
        lambda w, n: {"Resources": [w.instance], "Tags": [{"Key": "a", "Value": "b"}]},
    ),
    "endpoint of a service that is not": ec2(
        "create_vpc_endpoint",
        "InvalidServiceName",
        lambda w, n: {"VpcId": w.other_vpc, "ServiceName": "com.amazonaws.us-east-1.s4"},
        lambda w, n: {"VpcId": w.other_vpc, "ServiceName": "com.amazonaws.us-east-1.s3"},
    ),
    "endpoint with a policy that is none": ec2(
        "create_vpc_endpoint",
        "InvalidPolicyDocument",
        lambda w, n: {"VpcId": w.vpc, "ServiceName": "com.amazonaws.us-east-1.s3", "PolicyDocument": "{"},
        None,
    ),
    "launch template with a space": ec2(
        "create_launch_template",
        "InvalidLaunchTemplateName.MalformedException",
        lambda w, n: {"LaunchTemplateName": f"{n} x", "LaunchTemplateData": {"InstanceType": "t3.micro"}},
        lambda w, n: {"LaunchTemplateName": f"{n}(x)", "LaunchTemplateData": {"InstanceType": "t3.micro"}},
    ),
    "dry run": ec2("create_vpc", "DryRunOperation", lambda w, n: {"CidrBlock": "10.3.0.0/16", "DryRun": True}, None),
    "dry run of what is wrong": ec2(
        "create_vpc", "InvalidVpc.Range", lambda w, n: {"CidrBlock": "10.0.0.0/8", "DryRun": True}, None
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", [pytest.param(row, id=title.replace(" ", "-")) for title, row in ROWS.items()])
def test_refused_and_put_right_accepted(row: Row, world: World, clients: Clients, name: str) -> None:
    refuse_and_accept(row, world, clients, name)


def test_blocks_of_addresses_are_kept_in_their_canonical_form(clients: Clients) -> None:
    """CreateVpc, CreateSubnet, CreateRoute and IpRange in the EC2 API Reference."""
    ec2 = clients.get("ec2", "eu-north-1")
    made = ec2.create_vpc(CidrBlock="10.3.0.9/16")["Vpc"]
    assert made["CidrBlock"] == "10.3.0.0/16"
    own = ec2.create_subnet(VpcId=made["VpcId"], CidrBlock="10.3.5.77/24")["Subnet"]
    assert own["CidrBlock"] == "10.3.5.0/24"
    group_id = group(ec2, made["VpcId"], "canonical")
    rule = {"GroupId": group_id, "IpPermissions": permission(22, IpRanges=[{"CidrIp": "203.0.113.9/24"}])}
    again = {"GroupId": group_id, "IpPermissions": permission(22, IpRanges=[{"CidrIp": "203.0.113.0/24"}])}
    ec2.authorize_security_group_ingress(**rule)
    assert refused(ec2.authorize_security_group_ingress, **again) == "InvalidPermission.Duplicate"
    ec2.revoke_security_group_ingress(**again)
    assert refused(ec2.revoke_security_group_ingress, **rule) == "InvalidPermission.NotFound"


def test_revoking_what_is_not_there_is_no_error_in_a_default_vpc(clients: Clients) -> None:
    ec2 = clients.get("ec2", "eu-north-1")
    default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    made = group(ec2, default, "lenient")
    ec2.revoke_security_group_ingress(GroupId=made, IpPermissions=permission(22, **ANYWHERE))


def test_a_table_leads_to_a_service_once(world: World) -> None:
    table = world.ec2.create_route_table(VpcId=world.vpc)["RouteTable"]["RouteTableId"]
    params = {"VpcId": world.vpc, "ServiceName": "com.amazonaws.us-east-1.s3", "RouteTableIds": [table]}
    made = world.ec2.create_vpc_endpoint(**params)["VpcEndpoint"]["VpcEndpointId"]
    assert refused(world.ec2.create_vpc_endpoint, **params) == "RouteAlreadyExists"
    world.ec2.create_vpc_endpoint(**{**params, "ServiceName": "com.amazonaws.us-east-1.dynamodb"})
    world.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    world.ec2.create_vpc_endpoint(**params)


def test_a_rule_is_changed_within_the_same_bounds(world: World, name: str) -> None:
    own = group(world.ec2, world.vpc, name)
    made = world.ec2.authorize_security_group_ingress(GroupId=own, IpPermissions=permission(22, **ANYWHERE))
    rule = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    def change(identifier: str = rule, **params: Any) -> dict[str, Any]:
        content = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv4": "203.0.113.0/24", **params}
        changed = {name: value for name, value in content.items() if value is not None}
        return {
            "GroupId": own,
            "SecurityGroupRules": [{"SecurityGroupRuleId": identifier, "SecurityGroupRule": changed}],
        }

    modify = world.ec2.modify_security_group_rules
    assert refused(modify, **change(f"sgr-{NOWHERE}")) == "InvalidSecurityGroupRuleId.NotFound"
    assert refused(modify, **change(FromPort=23)) == "InvalidParameterValue"
    assert refused(modify, **change(CidrIpv4="10.0.0.0/88")) == "InvalidParameterValue"
    assert refused(modify, **change(CidrIpv4=None, ReferencedGroupId=world.other_group)) == "InvalidGroup.NotFound"
    modify(**change(ToPort=23))
    describe = world.ec2.update_security_group_rule_descriptions_ingress
    absent = permission(99, IpRanges=[{"CidrIp": "203.0.113.0/24", "Description": "x"}])
    assert refused(describe, GroupId=own, IpPermissions=absent) == "InvalidPermission.NotFound"
    there = permission(22, 23, IpRanges=[{"CidrIp": "203.0.113.0/24", "Description": "x"}])
    describe(GroupId=own, IpPermissions=there)


def test_blocks_and_tables_and_their_vpc(clients: Clients) -> None:
    ec2 = clients.get("ec2", "eu-north-1")
    vpc, other = network(ec2, "10.4.0.0/16", gateway=False), network(ec2, "10.5.0.0/16", gateway=False)
    made = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.14.0.0/16")["CidrBlockAssociation"]
    first = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlockAssociationSet"][0]["AssociationId"]
    assert refused(ec2.disassociate_vpc_cidr_block, AssociationId=first) == "OperationNotPermitted"
    own = subnet(ec2, vpc, "10.14.0.0/24", "eu-north-1a")
    used = {"AssociationId": made["AssociationId"]}
    assert refused(ec2.disassociate_vpc_cidr_block, **used) == "InvalidCidrBlock.InUse"
    tables = [ec2.create_route_table(VpcId=one)["RouteTable"]["RouteTableId"] for one in (vpc, vpc, other)]
    association = ec2.associate_route_table(RouteTableId=tables[0], SubnetId=own)["AssociationId"]
    move = ec2.replace_route_table_association
    assert refused(move, AssociationId=association, RouteTableId=tables[2]) == "InvalidParameterValue"
    move(AssociationId=association, RouteTableId=tables[1])
    ec2.delete_subnet(SubnetId=own)
    ec2.disassociate_vpc_cidr_block(**used)


def test_addresses_and_what_they_lead_to(world: World, clients: Clients) -> None:
    ec2 = world.ec2
    nat_address, free = (ec2.allocate_address(Domain="vpc") for _ in range(2))
    nat = ec2.create_nat_gateway(SubnetId=world.a, AllocationId=nat_address["AllocationId"])["NatGateway"][
        "NatGatewayId"
    ]
    taken = {"AllocationId": nat_address["AllocationId"], "InstanceId": world.instance}
    assert refused(ec2.associate_address, **taken) == "Resource.AlreadyAssociated"
    assert refused(ec2.associate_address, **taken, AllowReassociation=True) == "AuthFailure"
    mine = {"AllocationId": free["AllocationId"]}
    interfaces = ec2.describe_network_interfaces(
        Filters=[{"Name": "attachment.instance-id", "Values": [world.instance]}]
    )["NetworkInterfaces"]
    interface = interfaces[0]["NetworkInterfaceId"]
    assert refused(ec2.associate_address, **mine) == "MissingParameter"
    both = {"InstanceId": world.instance, "NetworkInterfaceId": interface}
    assert refused(ec2.associate_address, **mine, **both) == "InvalidParameterCombination"
    elsewhere = {"NetworkInterfaceId": interface, "PrivateIpAddress": "10.9.0.200"}
    assert refused(ec2.associate_address, **mine, **elsewhere) == "InvalidParameterValue"
    made = ec2.associate_address(
        **mine, NetworkInterfaceId=interface, PrivateIpAddress=interfaces[0]["PrivateIpAddress"]
    )
    assert refused(ec2.release_address, PublicIp=free["PublicIp"]) == "InvalidParameterValue"
    ec2.disassociate_address(AssociationId=made["AssociationId"])
    ec2.release_address(**mine)
    ec2.delete_nat_gateway(NatGatewayId=nat)
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat])
