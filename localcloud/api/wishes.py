"""What a call may not ask for: parameters whose effect the local cloud would have to make real and cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .realised import not_realised
from .request import Call

Wishes = Callable[[dict[str, Any]], Iterator[str]]
HTTP_FIELDS = {"path-pattern", "host-header"}


def _load_balancer(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("Type", "application") != "application":
        yield f"load balancers of type {wish['Type']} are not made real, only application load balancers"
    if wish.get("IpAddressType", "ipv4") != "ipv4":
        yield "IPv6 is not made real"
    if any(one.keys() - {"SubnetId"} for one in wish.get("SubnetMappings", ())):
        yield "chosen addresses of a load balancer are not made real"


def _target_group(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("TargetType", "instance") not in ("instance", "ip"):
        yield f"targets of type {wish['TargetType']} are not made real, only instance and ip"
    if wish.get("Protocol") not in (None, "HTTP"):
        yield f"target groups with protocol {wish['Protocol']} are not made real, only HTTP"
    if wish.get("HealthCheckProtocol") not in (None, "HTTP"):
        yield f"health checks with protocol {wish['HealthCheckProtocol']} are not made real, only HTTP"
    if wish.get("ProtocolVersion", "HTTP1") != "HTTP1":
        yield f"protocol version {wish['ProtocolVersion']} is not made real, only HTTP1"
    if wish.get("IpAddressType", "ipv4") != "ipv4":
        yield "IPv6 is not made real"


def _target_group_attributes(wish: dict[str, Any]) -> Iterator[str]:
    values = {one["Key"]: one.get("Value") for one in wish.get("Attributes", ())}
    if values.get("stickiness.enabled") == "true":
        yield "sticky sessions are not made real"
    if values.get("slow_start.duration_seconds", "0") != "0":
        yield "slow start is not made real"
    if values.get("load_balancing.algorithm.type") == "weighted_random":
        yield "the algorithm weighted_random is not made real"


def _listener(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("Protocol") not in (None, "HTTP"):
        yield f"listeners with protocol {wish['Protocol']} are not made real, only HTTP"
    yield from _actions(wish.get("DefaultActions", ()))


def _rule(wish: dict[str, Any]) -> Iterator[str]:
    for field in {one.get("Field") for one in wish.get("Conditions", ())} - HTTP_FIELDS:
        yield f"conditions on {field} are not made real, only {' and '.join(sorted(HTTP_FIELDS))}"
    yield from _actions(wish.get("Actions", ()))


def _actions(actions: Any) -> Iterator[str]:
    for action in actions:
        if str(action.get("Type", "")).startswith("authenticate"):
            yield f"actions of type {action['Type']} are not made real"
        if len(action.get("ForwardConfig", {}).get("TargetGroups", ())) > 1:
            yield "forwarding to several weighted target groups is not made real"


def _database(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("Engine", "postgres") != "postgres":
        yield f"engine {wish['Engine']} is not made real, only postgres"
    if wish.get("PubliclyAccessible"):
        yield "publicly accessible databases are not made real"
    if wish.get("DBClusterIdentifier"):
        yield "database clusters are not made real"
    if wish.get("ManageMasterUserPassword"):
        yield "rotation of a master password by Secrets Manager is not made real"


def _instances(wish: dict[str, Any]) -> Iterator[str]:
    if len(wish.get("NetworkInterfaces", ())) > 1:
        yield "more than one network interface on an instance is not made real"
    if wish.get("InstanceMarketOptions"):
        yield "spot instances are not made real"
    if any(
        one.get("Ipv6AddressCount") or one.get("Ipv6Addresses") for one in [wish, *wish.get("NetworkInterfaces", ())]
    ):
        yield "IPv6 is not made real"
    if str(wish.get("InstanceType", "")).split(".")[0] in ARM_FAMILIES:
        yield f"instance type {wish['InstanceType']} has an arm64 processor, the local cloud's hosts are x86_64"


ARM_FAMILIES = {"a1", "t4g", "m6g", "m6gd", "m7g", "m7gd", "m8g", "c6g", "c6gd", "c6gn", "c7g", "c7gd", "c7gn", "c8g", "r6g",
                "r6gd", "r7g", "r7gd", "r8g", "x2gd", "im4gn", "is4gen", "g5g"}  # fmt: skip


def _attach_interface(_wish: dict[str, Any]) -> Iterator[str]:
    yield "more than one network interface on an instance is not made real"


def _network(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("AmazonProvidedIpv6CidrBlock") or wish.get("Ipv6CidrBlock") or wish.get("Ipv6Native"):
        yield "IPv6 is not made real"


def _route(wish: dict[str, Any]) -> Iterator[str]:
    real = {"GatewayId", "NatGatewayId", "DestinationCidrBlock", "RouteTableId", "DryRun"}
    for other in sorted(key for key in wish.keys() - real if wish[key] is not None):
        yield f"routes with {other} are not made real, only to internet gateways and NAT gateways"


def _nat_gateway(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("ConnectivityType", "public") != "public":
        yield "private NAT gateways are not made real"
    if wish.get("AvailabilityMode", "zonal") != "zonal":
        yield "regional NAT gateways are not made real"


def _endpoint(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("VpcEndpointType", "Gateway") != "Gateway":
        yield f"endpoints of type {wish['VpcEndpointType']} are not made real"


WISHES: dict[str, Wishes] = {
    "elbv2:CreateLoadBalancer": _load_balancer,
    "elbv2:CreateTargetGroup": _target_group,
    "elbv2:ModifyTargetGroup": _target_group,
    "elbv2:ModifyTargetGroupAttributes": _target_group_attributes,
    "elbv2:CreateListener": _listener,
    "elbv2:ModifyListener": _listener,
    "elbv2:CreateRule": _rule,
    "elbv2:ModifyRule": _rule,
    "rds:CreateDBInstance": _database,
    "rds:RestoreDBInstanceFromDBSnapshot": _database,
    "rds:ModifyDBInstance": _database,
    "ec2:RunInstances": _instances,
    "ec2:AttachNetworkInterface": _attach_interface,
    "ec2:CreateVpc": _network,
    "ec2:CreateSubnet": _network,
    "ec2:AssociateVpcCidrBlock": _network,
    "ec2:CreateRoute": _route,
    "ec2:ReplaceRoute": _route,
    "ec2:CreateNatGateway": _nat_gateway,
    "ec2:CreateVpcEndpoint": _endpoint,
}


def refuse_parameters(call: Call) -> None:
    """Raise NotRealised for what the call asks for beyond what is made real."""
    for why in WISHES.get(call.name, lambda _: iter(()))(call.parameters):
        raise not_realised(call, why)
