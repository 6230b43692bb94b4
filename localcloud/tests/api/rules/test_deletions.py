"""What is in use stays; once it is out of use it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ..helpers import Clients, group, image, network, subnet, until

REGION = "eu-central-1"


@pytest.fixture(scope="module")
def ec2(clients: Clients) -> Any:
    return clients.get("ec2", REGION)


@pytest.fixture(scope="module")
def elbv2(clients: Clients) -> Any:
    return clients.get("elbv2", REGION)


@pytest.fixture(scope="module")
def vpc(ec2: Any) -> str:
    return network(ec2)


@pytest.fixture(scope="module")
def subnets(ec2: Any, vpc: str) -> list[str]:
    return [subnet(ec2, vpc, f"10.9.{n}.0/24", REGION + "ab"[n]) for n in (0, 1)]


def refused(code: str, call: Callable[..., Any], **params: Any) -> None:
    with pytest.raises(ClientError) as error:
        call(**params)
    assert error.value.response["Error"]["Code"] == code


def run(ec2: Any, subnet_id: str, group_id: str) -> str:
    interface = {"DeviceIndex": 0, "SubnetId": subnet_id, "Groups": [group_id], "AssociatePublicIpAddress": True}
    made: str = ec2.run_instances(
        ImageId=image(ec2), InstanceType="t3.micro", MinCount=1, MaxCount=1, NetworkInterfaces=[interface]
    )["Instances"][0]["InstanceId"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[made])
    return made


def test_what_an_instance_uses(ec2: Any, vpc: str) -> None:
    own = subnet(ec2, vpc, "10.9.10.0/24", REGION + "a")
    group_id = group(ec2, vpc, "used")
    instance = run(ec2, own, group_id)
    gateway = ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    refused("DependencyViolation", ec2.delete_security_group, GroupId=group_id)
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=own)
    refused("DependencyViolation", ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    ec2.terminate_instances(InstanceIds=[instance])
    refused("DependencyViolation", ec2.delete_security_group, GroupId=group_id)  # still shutting down
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance])
    ec2.delete_security_group(GroupId=group_id)
    ec2.delete_subnet(SubnetId=own)


def test_groups_that_refer_to_one_another(ec2: Any, vpc: str) -> None:
    one, other = group(ec2, vpc, "one"), group(ec2, vpc, "other")
    rule = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": one}]}]
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=rule)
    refused("DependencyViolation", ec2.delete_security_group, GroupId=one)
    ec2.revoke_security_group_ingress(GroupId=other, IpPermissions=rule)
    ec2.delete_security_group(GroupId=one)
    ec2.delete_security_group(GroupId=other)


def test_what_a_nat_gateway_uses(ec2: Any, vpc: str, subnets: list[str]) -> None:
    address = ec2.allocate_address(Domain="vpc")
    made = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address["AllocationId"])["NatGateway"]
    assert made["State"] == "pending"
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[made["NatGatewayId"]])
    again = {"SubnetId": subnets[0], "AllocationId": address["AllocationId"]}
    refused("Resource.AlreadyAssociated", ec2.create_nat_gateway, **again)
    refused("AuthFailure", ec2.release_address, AllocationId=address["AllocationId"])
    refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
    ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    refused("AuthFailure", ec2.release_address, AllocationId=address["AllocationId"])
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[made["NatGatewayId"]])
    assert "AssociationId" not in ec2.describe_addresses(AllocationIds=[address["AllocationId"]])["Addresses"][0]
    refused("AuthFailure", ec2.release_address, AllocationId=address["AllocationId"])  # still, for a moment
    until(lambda: released(ec2, address["AllocationId"]))


def released(ec2: Any, allocation_id: str) -> bool:
    try:
        ec2.release_address(AllocationId=allocation_id)
    except ClientError:
        return False
    return True


def test_what_a_load_balancer_uses(ec2: Any, elbv2: Any, vpc: str) -> None:
    own = [subnet(ec2, vpc, f"10.9.{20 + n}.0/24", REGION + "ab"[n]) for n in (0, 1)]
    group_id = group(ec2, vpc, "balanced")
    made = elbv2.create_load_balancer(Name="used", Subnets=own, SecurityGroups=[group_id])["LoadBalancers"][0]
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=own[0])
    refused("DependencyViolation", ec2.delete_security_group, GroupId=group_id)
    interface = interfaces(ec2, group_id)[0]
    assert interface["Description"] == f"ELB {made['LoadBalancerArn'].split(':loadbalancer/')[1]}"
    assert interface["RequesterManaged"]
    attachment = interface["Attachment"]
    assert (attachment["InstanceOwnerId"], attachment["Status"]) == ("amazon-elb", "attached")
    refused("OperationNotPermitted", ec2.detach_network_interface, AttachmentId=attachment["AttachmentId"], Force=True)
    change = {"NetworkInterfaceId": interface["NetworkInterfaceId"], "Description": {"Value": "mine"}}
    refused("AuthFailure", ec2.modify_network_interface_attribute, **change)
    by_owner = [{"Name": "attachment.instance-owner-id", "Values": ["amazon-elb"]}]
    found = ec2.describe_network_interfaces(Filters=by_owner)["NetworkInterfaces"]
    assert interface["NetworkInterfaceId"] in {one["NetworkInterfaceId"] for one in found}
    refused("InvalidParameterValue", ec2.delete_network_interface, NetworkInterfaceId=interface["NetworkInterfaceId"])
    elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=own[0])  # the interfaces outlive it a little
    until(lambda: not interfaces(ec2, group_id))
    ec2.delete_subnet(SubnetId=own[0])
    ec2.delete_security_group(GroupId=group_id)


def interfaces(ec2: Any, group_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group_id]}])[
        "NetworkInterfaces"
    ]
    return found


def test_a_vpc_with_parts(ec2: Any) -> None:
    vpc = network(ec2, "10.7.0.0/16", gateway=False)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
    second = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    refused("InvalidParameterValue", ec2.attach_internet_gateway, InternetGatewayId=second, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=second)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    group_id = group(ec2, vpc, "left")
    refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
    ec2.delete_security_group(GroupId=group_id)
    ec2.delete_vpc(VpcId=vpc)


def test_routes_and_tables(ec2: Any, vpc: str, subnets: list[str]) -> None:
    tables = [ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2)]
    association = ec2.associate_route_table(RouteTableId=tables[0], SubnetId=subnets[1])["AssociationId"]
    twice = {"RouteTableId": tables[1], "SubnetId": subnets[1]}
    refused("Resource.AlreadyAssociated", ec2.associate_route_table, **twice)
    refused("DependencyViolation", ec2.delete_route_table, RouteTableId=tables[0])
    stranger = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    route = {"RouteTableId": tables[0], "DestinationCidrBlock": "0.0.0.0/0"}
    refused("InvalidParameterValue", ec2.create_route, **route, GatewayId=stranger)
    refused("InvalidGatewayID.NotFound", ec2.create_route, **route, GatewayId="igw-0123456789abcdef0")
    own = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])
    ec2.create_route(**route, GatewayId=own["InternetGateways"][0]["InternetGatewayId"])
    ec2.disassociate_route_table(AssociationId=association)
    for table in tables:
        ec2.delete_route_table(RouteTableId=table)
    ec2.delete_internet_gateway(InternetGatewayId=stranger)


def test_a_nat_gateway_needs_an_internet_gateway(ec2: Any) -> None:
    vpc = network(ec2, "10.6.0.0/16", gateway=False)
    own = subnet(ec2, vpc, "10.6.0.0/24", REGION + "a")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    refused("NotAvailableInVpc", ec2.create_nat_gateway, SubnetId=own, AllocationId=address)
    ec2.release_address(AllocationId=address)
    ec2.delete_subnet(SubnetId=own)
    ec2.delete_vpc(VpcId=vpc)


@pytest.mark.parametrize(
    ("action", "params", "most", "code"),
    [
        ("create_vpc", {"CidrBlock": "10.0.0.0/16"}, 5, "VpcLimitExceeded"),
        ("allocate_address", {"Domain": "vpc"}, 5, "AddressLimitExceeded"),
        ("create_internet_gateway", {}, 5, "InternetGatewayLimitExceeded"),
    ],
)
def test_quotas(clients: Clients, action: str, params: dict[str, Any], most: int, code: str) -> None:
    ec2 = clients.get("ec2", "eu-west-1")
    there = 1 if action == "create_vpc" else 0  # every region has its default VPC
    for _ in range(most - there):
        getattr(ec2, action)(**params)
    refused(code, getattr(ec2, action), **params)
