"""Mutants of security groups, routes and addresses."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mutants import mutant
from tests.mutants.deployment import Deployment, rule


@mutant(
    "port 5432 opened to all",
    r"security group database, ingress: tcp 5432 0\.0\.0\.0/0 is beyond the matrix",
)
def database_opened_to_all(deployment: Deployment) -> Iterator[None]:
    with deployment.rule("database", "ingress", 5432, cidr="0.0.0.0/0"):
        yield


@mutant(
    "frontends let through to the database",
    r"frontend-1 -> database port 5432: must be closed, but the answer was open",
)
def database_opened_to_frontends(deployment: Deployment) -> Iterator[None]:
    with (
        deployment.rule("database", "ingress", 5432, group="frontend"),
        deployment.rule("frontend", "egress", 5432, group="database"),
    ):
        yield


@mutant(
    "frontends' application port opened to the internet",
    r"(operator|visitor) -> frontend-1 port 5000: must be closed, but the answer was open",
)
def frontend_opened(deployment: Deployment) -> Iterator[None]:
    with deployment.rule("frontend", "ingress", 5000, cidr="0.0.0.0/0"):
        yield


@mutant("SSH opened to the world", r"security group frontend, ingress: tcp 22 0\.0\.0\.0/0 is beyond the matrix")
def ssh_opened(deployment: Deployment) -> Iterator[None]:
    with deployment.rule("frontend", "ingress", 22, cidr="0.0.0.0/0"):
        yield


@mutant(
    "backends cut off from the database",
    r"backend-1 -> database port 5432: the matrix allows it \(Queries\), but the answer was timeout",
)
def database_cut_off(deployment: Deployment) -> Iterator[None]:
    permission = rule(5432, group_id=deployment.group("backend"))
    deployment.ec2.revoke_security_group_ingress(GroupId=deployment.group("database"), IpPermissions=[permission])
    yield
    deployment.ec2.authorize_security_group_ingress(GroupId=deployment.group("database"), IpPermissions=[permission])


@mutant("a backend in the frontends' group too", r"backend-1 wears the security groups backend, frontend")
def second_group_worn(deployment: Deployment) -> Iterator[None]:
    instance = deployment.instance("backend-1")["InstanceId"]
    own, other = deployment.group("backend"), deployment.group("frontend")
    deployment.ec2.modify_instance_attribute(InstanceId=instance, Groups=[own, other])
    yield
    deployment.ec2.modify_instance_attribute(InstanceId=instance, Groups=[own])


@mutant(
    "an interface beyond the hosts in the backends' group",
    r"network interface eni-\w+ \(.+\) wears the security group backend and belongs to nothing known",
)
def stray_interface(deployment: Deployment) -> Iterator[None]:
    made = deployment.ec2.create_network_interface(
        SubnetId=deployment.subnet("private-1"), Groups=[deployment.group("backend")], Description="mutant"
    )["NetworkInterface"]["NetworkInterfaceId"]
    yield
    deployment.ec2.delete_network_interface(NetworkInterfaceId=made)


@mutant("a backend with a public address", r"backend-1 has the public address [0-9.]+")
def public_address(deployment: Deployment) -> Iterator[None]:
    address = deployment.ec2.allocate_address(Domain="vpc")
    try:
        association = deployment.ec2.associate_address(
            AllocationId=address["AllocationId"], InstanceId=deployment.instance("backend-1")["InstanceId"]
        )
        yield
        deployment.ec2.disassociate_address(AssociationId=association["AssociationId"])
    finally:
        deployment.ec2.release_address(AllocationId=address["AllocationId"])


@mutant("backends routed straight to the internet gateway", r"route table private-1 leads 0\.0\.0\.0/0 to internet")
def private_subnet_made_public(deployment: Deployment) -> Iterator[None]:
    table = deployment.route_table("private-1")
    attached = [{"Name": "attachment.vpc-id", "Values": [deployment.vpc]}]
    gateway = deployment.ec2.describe_internet_gateways(Filters=attached)["InternetGateways"][0]["InternetGatewayId"]
    before = next(route for route in table["Routes"] if route.get("DestinationCidrBlock") == "0.0.0.0/0")
    where = {"RouteTableId": table["RouteTableId"], "DestinationCidrBlock": "0.0.0.0/0"}
    deployment.ec2.replace_route(**where, GatewayId=gateway)
    yield
    deployment.ec2.replace_route(**where, NatGatewayId=before["NatGatewayId"])


@mutant(
    "the database's subnet on the main route table",
    r"subnet isolated-1 follows route table the VPC's main one, wanted one of the isolated subnets",
)
def isolated_subnet_left_to_the_main_table(deployment: Deployment) -> Iterator[None]:
    table, subnet = deployment.route_table("isolated"), deployment.subnet("isolated-1")
    [association] = [one for one in table["Associations"] if one["SubnetId"] == subnet]
    deployment.ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    yield
    deployment.ec2.associate_route_table(RouteTableId=table["RouteTableId"], SubnetId=subnet)


@mutant("the database's subnet routed to the internet", r"route table isolated leads 0\.0\.0\.0/0 to internet")
def isolated_subnet_opened(deployment: Deployment) -> Iterator[None]:
    table = deployment.route_table("isolated")["RouteTableId"]
    attached = [{"Name": "attachment.vpc-id", "Values": [deployment.vpc]}]
    gateway = deployment.ec2.describe_internet_gateways(Filters=attached)["InternetGateways"][0]["InternetGatewayId"]
    deployment.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    yield
    deployment.ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
