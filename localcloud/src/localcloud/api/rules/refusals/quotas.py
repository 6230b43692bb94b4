"""Quotas: AWS's defaults of a young account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.moto.states import nat_gateways
from localcloud.api.request import Call

from .rules import guards

VCPUS = 64
GROUPS_OF_AN_INTERFACE = 5
RULES_OF_A_GROUP = 60

# action -> most, what there is now, code and message.
Count = Callable[[Call], int]
QUOTAS: dict[str, tuple[int, Count, str, str]] = {
    "ec2:CreateVpc": (
        5, lambda call: len(moto_state.ec2(call.region).vpcs),
        "VpcLimitExceeded", "The maximum number of VPCs has been reached.",
    ),
    "ec2:CreateSubnet": (
        200, lambda call: _in_vpc(call, moto_state.subnets(call.region)),
        "SubnetLimitExceeded", "The maximum number of subnets has been reached.",
    ),
    "ec2:CreateRouteTable": (
        200, lambda call: _in_vpc(call, moto_state.ec2(call.region).route_tables),
        "RouteTableLimitExceeded", "The maximum number of route tables has been reached.",
    ),
    "ec2:CreateInternetGateway": (
        5, lambda call: len(moto_state.ec2(call.region).internet_gateways),
        "InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached.",
    ),
    "ec2:CreateNatGateway": (
        5, lambda call: _nat_gateways(call),
        "NatGatewayLimitExceeded", "The maximum number of NAT gateways has been reached.",
    ),
    "ec2:AllocateAddress": (
        5, lambda call: len(moto_state.ec2(call.region).addresses),
        "AddressLimitExceeded", "The maximum number of addresses has been reached.",
    ),
    "ec2:CreateSecurityGroup": (
        2500, lambda call: len(moto_state.security_groups(call.region)),
        "SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.",
    ),
    "ec2:CreateRoute": (
        50, lambda call: len(_routes(call)),
        "RouteLimitExceeded", "The maximum number of routes has been reached.",
    ),
    "elbv2:CreateLoadBalancer": (
        50, lambda call: len(moto_state.elbv2(call.region).load_balancers),
        "TooManyLoadBalancers", "The maximum number of load balancers has been reached.",
    ),
    "elbv2:CreateTargetGroup": (
        3000, lambda call: len(moto_state.elbv2(call.region).target_groups),
        "TooManyTargetGroups", "The maximum number of target groups has been reached.",
    ),
    "elbv2:CreateListener": (
        50, lambda call: len(_listeners(call)),
        "TooManyListeners", "The maximum number of listeners has been reached.",
    ),
    "elbv2:CreateRule": (
        100, lambda call: _rules(call),
        "TooManyRules", "The maximum number of rules has been reached.",
    ),
    "rds:CreateDBInstance": (
        40, lambda call: len(moto_state.rds(call.region).databases),
        "InstanceQuotaExceeded", "DB Instance quota exceeded.",
    ),
    "rds:CreateDBSubnetGroup": (
        50, lambda call: len(moto_state.rds(call.region).subnet_groups),
        "DBSubnetGroupQuotaExceeded", "DB subnet group quota exceeded.",
    ),
    "rds:CreateDBParameterGroup": (
        50, lambda call: len(moto_state.rds(call.region).db_parameter_groups),
        "DBParameterGroupQuotaExceeded", "DB parameter group quota exceeded.",
    ),
    "rds:CreateDBSnapshot": (
        100, lambda call: len(moto_state.rds(call.region).database_snapshots),
        "SnapshotQuotaExceeded", "The quota for the manual snapshots has been exceeded.",
    ),
}  # fmt: skip


@guards(*QUOTAS)
def there_is_room(call: Call) -> None:
    most, count, code, message = QUOTAS[call.name]
    if count(call) >= most:
        raise AwsError(code, message)


@guards("ec2:RunInstances", "ec2:StartInstances")
def there_are_processors(call: Call) -> None:
    types = moto_state.instance_types(call.region)
    running = [one for one in moto_state.instances(call.region) if one._state.name == "running"]
    used = sum(_vcpus(types, one.instance_type) for one in running)
    if call.action == "RunInstances":
        wanted = _vcpus(types, call.parameters.get("InstanceType", "m1.small")) * int(call.parameters["MaxCount"])
    else:
        starting = [one for one in moto_state.instances(call.region) if one.id in call.parameters["InstanceIds"]]
        wanted = sum(_vcpus(types, one.instance_type) for one in starting if one not in running)
    if used + wanted > VCPUS:
        raise AwsError(
            "VcpuLimitExceeded",
            f"You have requested more vCPU capacity than your current vCPU limit of {VCPUS} allows for the instance bucket "
            "that the specified instance type belongs to.",
        )


def _vcpus(types: dict[str, Any], name: str) -> int:
    return int(types[name]["VCpuInfo"]["DefaultVCpus"]) if name in types else 1


def _in_vpc(call: Call, models: dict[str, Any]) -> int:
    return sum(1 for one in models.values() if one.vpc_id == call.parameters.get("VpcId"))


def _nat_gateways(call: Call) -> int:
    """NAT gateways in the zone of the wanted one."""
    subnets = moto_state.subnets(call.region)
    zone = subnets[call.parameters["SubnetId"]].availability_zone
    alive = [
        one
        for one in moto_state.ec2(call.region).nat_gateways.values()
        if nat_gateways.state_of(one) in ("pending", "available") and one.subnet_id in subnets
    ]
    return sum(1 for one in alive if subnets[one.subnet_id].availability_zone == zone)


def _routes(call: Call) -> list[Any]:
    return list(moto_state.ec2(call.region).route_tables[call.parameters["RouteTableId"]].routes)


def _listeners(call: Call) -> list[Any]:
    balancer = moto_state.elbv2(call.region).load_balancers.get(call.parameters["LoadBalancerArn"])
    return list(balancer.listeners) if balancer else []


def _rules(call: Call) -> int:
    for balancer in moto_state.elbv2(call.region).load_balancers.values():
        if listener := balancer.listeners.get(call.parameters["ListenerArn"]):
            return len(listener._non_default_rules)
    return 0
