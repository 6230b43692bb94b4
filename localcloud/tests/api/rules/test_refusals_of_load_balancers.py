"""Refusals of further kinds, with their accepted twins: load balancers, target groups, listeners, rules, targets."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ..helpers import Clients, World
from .test_refusals import Row, attribute, elbv2, fixed, refuse_and_accept, rule, tagged, target_group

ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:"
BAD = "ValidationError"


def of_group(code: str, key: str, refused: str, accepted: str) -> Row:
    """An attribute of a target group."""
    return elbv2(
        "modify_target_group_attributes",
        code,
        lambda w, n: {"TargetGroupArn": w.targets, **attribute(key, refused)},
        lambda w, n: {"TargetGroupArn": w.targets, **attribute(key, accepted)},
    )


def of_balancer(code: str, key: str, refused: str, accepted: str) -> Row:
    """An attribute of a load balancer."""
    return elbv2(
        "modify_load_balancer_attributes",
        code,
        lambda w, n: {"LoadBalancerArn": w.balancer, **attribute(key, refused)},
        lambda w, n: {"LoadBalancerArn": w.balancer, **attribute(key, accepted)},
    )


def redirect(code: str, refused: dict[str, str], accepted: dict[str, str]) -> Row:
    def action(configuration: dict[str, str]) -> list[dict[str, Any]]:
        return [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", **configuration}}]

    return elbv2(
        "modify_listener",
        code,
        lambda w, n: {"ListenerArn": w.listener, "DefaultActions": action(refused)},
        lambda w, n: {"ListenerArn": listener(w, 8301), "DefaultActions": action(accepted)},
    )


def listener(w: World, port: int) -> str:
    """The load balancer's listener on a port, made where it is not there."""
    found = w.elbv2.describe_listeners(LoadBalancerArn=w.balancer)["Listeners"]
    there = [one["ListenerArn"] for one in found if one["Port"] == port]
    arn: str = there[0] if there else w.elbv2.create_listener(**w.listens(port))["Listeners"][0]["ListenerArn"]
    return arn


def condition(priority: int, refused: list[dict[str, Any]], accepted: list[dict[str, Any]]) -> Row:
    return elbv2(
        "create_rule",
        BAD,
        lambda w, n: {**rule(w, priority), "Conditions": refused},
        lambda w, n: {**rule(w, priority), "Conditions": accepted},
    )


def path(*values: str) -> dict[str, Any]:
    return {"Field": "path-pattern", "Values": list(values)}


HEALTHY = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.{}"
ROWS = {
    "tag with *": elbv2(
        "add_tags",
        BAD,
        lambda w, n: {"ResourceArns": [w.balancer], **tagged({"a*b": "x"})},
        lambda w, n: {"ResourceArns": [w.balancer], **tagged({"größe +-=._:/@": "ü"})},
    ),
    "ARN that is none": elbv2(
        "delete_load_balancer",
        BAD,
        lambda w, n: {"LoadBalancerArn": "x"},
        lambda w, n: {"LoadBalancerArn": ARN + "loadbalancer/app/gone/0123456789abcdef"},
    ),
    "subnets of another VPC": elbv2(
        "set_subnets",
        "InvalidConfigurationRequest",
        lambda w, n: {"LoadBalancerArn": w.balancer, "Subnets": [w.other_a, w.other_b]},
        lambda w, n: {"LoadBalancerArn": w.balancer, "Subnets": [w.a, w.b]},
    ),
    "no groups": elbv2(
        "set_security_groups",
        BAD,
        lambda w, n: {"LoadBalancerArn": w.balancer, "SecurityGroups": []},
        lambda w, n: {"LoadBalancerArn": w.balancer, "SecurityGroups": [w.group]},
    ),
    "an attribute twice": elbv2(
        "modify_load_balancer_attributes",
        BAD,
        lambda w, n: {"LoadBalancerArn": w.balancer, "Attributes": [{"Key": "waf.fail_open.enabled", "Value": "false"}] * 2},
        lambda w, n: {"LoadBalancerArn": w.balancer, **attribute("idle_timeout.timeout_seconds", "60")},
    ),
    "zones that are not crossed": of_balancer(
        "InvalidConfigurationRequest", "load_balancing.cross_zone.enabled", "false", "true"
    ),
    "seconds to keep a connection": of_balancer(BAD, "client_keep_alive.seconds", "59", "3600"),
    "slow start of 29 seconds": of_group(BAD, "slow_start.duration_seconds", "29", "0"),
    "share of healthy targets": of_group(BAD, HEALTHY.format("percentage"), "101", "off"),
    "number of healthy targets": of_group(BAD, HEALTHY.format("count"), "0", "1"),
    "cookie of the load balancer's own": of_group(BAD, "stickiness.app_cookie.cookie_name", "AWSALB", "session"),
    "mitigation": of_group(BAD, "load_balancing.algorithm.anomaly_mitigation", "maybe", "off"),
    "health by TCP": target_group(BAD, {"HealthCheckProtocol": "TCP"}, {"HealthCheckProtocol": "HTTP"}),
    "no health check": target_group(BAD, {"HealthCheckEnabled": False}, {"HealthCheckEnabled": True}),
    "empty matcher": target_group(BAD, {"Matcher": {"HttpCode": ""}}, {"Matcher": {"HttpCode": "200,204"}}),
    "matcher of gRPC": target_group(BAD, {"Matcher": {"GrpcCode": "0"}}, {"Matcher": {"HttpCode": "499"}}),
    "protocol version": target_group(BAD, {"ProtocolVersion": "HTTP3"}, {"ProtocolVersion": "HTTP1"}),
    "target group with another port": elbv2(
        "create_target_group",
        "DuplicateTargetGroupName",
        lambda w, n: w.targeted("world", Port=5001),
        lambda w, n: w.targeted("world"),
    ),
    "listener without an action": elbv2(
        "create_listener", BAD, lambda w, n: w.listens(8302, DefaultActions=[]), lambda w, n: w.listens(8302)
    ),
    "SSL policy on HTTP": elbv2(
        "create_listener",
        BAD,
        lambda w, n: w.listens(8303, SslPolicy="ELBSecurityPolicy-2016-08"),
        lambda w, n: w.listens(8303),
    ),
    "weight of 1000": elbv2(
        "create_listener",
        BAD,
        lambda w, n: w.listens(8304, DefaultActions=weighted(w, 1000)),
        lambda w, n: w.listens(8304, DefaultActions=weighted(w, 999)),
    ),
    "two actions in one place": elbv2(
        "create_listener",
        BAD,
        lambda w, n: w.listens(8305, DefaultActions=[{**fixed("200"), "Order": 1}, {**fixed("404"), "Order": 1}]),
        lambda w, n: w.listens(8305, DefaultActions=[{**fixed("200"), "Order": 1}]),
    ),
    "redirect to itself": redirect("InvalidLoadBalancerAction", {}, {"Protocol": "HTTPS", "Port": "443"}),
    "redirect to port 0": redirect(BAD, {"Port": "0"}, {"Port": "65535"}),
    "redirect to a path without /": redirect(BAD, {"Path": "x"}, {"Path": "/x/#{path}"}),
    "path with ü": condition(31, [path("/ü")], [path("/u?x=1&y~*")]),
    "host with a space": condition(
        32, [{"Field": "host-header", "Values": ["a b.org"]}], [{"Field": "host-header", "Values": ["*.a-b.org"]}]
    ),
    "two conditions on the path": condition(33, [path("/a"), path("/b")], [path("/a", "/b")]),
    "six values": condition(34, [path(*(f"/{n}" for n in range(6)))], [path(*(f"/{n}" for n in range(5)))]),
    "six wildcards": condition(35, [path("/*a*b*c*d*e*")], [path("/*a*b*c*d*")]),
    "priority in use": elbv2(
        "set_rule_priorities",
        "PriorityInUse",
        lambda w, n: {"RulePriorities": [{"RuleArn": made_rule(w, 41), "Priority": ruled(w, 42)}]},
        lambda w, n: {"RulePriorities": [{"RuleArn": made_rule(w, 41), "Priority": 43}]},
    ),
    "rule that is not": elbv2(
        "delete_rule", "RuleNotFound", lambda w, n: {"RuleArn": w.listener.replace(":listener/", ":listener-rule/") + "/0"}, None
    ),
    "default rule": elbv2("delete_rule", "OperationNotPermitted", lambda w, n: {"RuleArn": default_rule(w)}, None),
    "condition of the default rule": elbv2(
        "modify_rule",
        "OperationNotPermitted",
        lambda w, n: {"RuleArn": default_rule(w), "Conditions": [path("/x")]},
        None,
    ),
    "no targets": elbv2(
        "register_targets",
        BAD,
        lambda w, n: {"TargetGroupArn": w.targets, "Targets": []},
        lambda w, n: {"TargetGroupArn": w.targets, "Targets": [{"Id": w.instance}]},
    ),
    "zone of an instance": elbv2(
        "register_targets",
        BAD,
        lambda w, n: {"TargetGroupArn": w.targets, "Targets": [{"Id": w.instance, "AvailabilityZone": "us-east-1a"}]},
        lambda w, n: {"TargetGroupArn": w.targets, "Targets": [{"Id": w.instance}]},
    ),
    "health of nothing": elbv2(
        "describe_target_health",
        "TargetGroupNotFound",
        lambda w, n: {"TargetGroupArn": ARN + "targetgroup/gone/0123456789abcdef"},
        lambda w, n: {"TargetGroupArn": w.targets},
    ),
}  # fmt: skip


def weighted(w: World, weight: int) -> list[dict[str, Any]]:
    groups = [{"TargetGroupArn": w.targets, "Weight": weight}]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


def default_rule(w: World) -> str:
    rules = w.elbv2.describe_rules(ListenerArn=w.listener)["Rules"]
    arn: str = next(one["RuleArn"] for one in rules if one["IsDefault"])
    return arn


def made_rule(w: World, priority: int) -> str:
    """The rule of a priority, made where it is not there."""
    rules = w.elbv2.describe_rules(ListenerArn=w.listener)["Rules"]
    there = [one["RuleArn"] for one in rules if one["Priority"] == str(priority)]
    arn: str = there[0] if there else w.elbv2.create_rule(**rule(w, priority))["Rules"][0]["RuleArn"]
    return arn


def ruled(w: World, priority: int) -> int:
    made_rule(w, priority)
    return priority


@pytest.mark.parametrize("row", [pytest.param(row, id=title.replace(" ", "-")) for title, row in ROWS.items()])
def test_refused_and_put_right_accepted(row: Row, world: World, clients: Clients, name: str) -> None:
    refuse_and_accept(row, world, clients, name)


def test_creating_and_deleting_again_is_no_error(world: World, name: str) -> None:
    first, again = (world.target_group(name) for _ in range(2))
    assert first == again
    for _ in range(2):
        world.elbv2.delete_target_group(TargetGroupArn=first)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("access_logs.s3.enabled", "true"),
        ("connection_logs.s3.enabled", "true"),
        ("client_keep_alive.seconds", "60"),
        ("routing.http.desync_mitigation_mode", "strictest"),
        ("routing.http.preserve_host_header.enabled", "true"),
        ("routing.http.xff_header_processing.mode", "preserve"),
    ],
)
def test_attributes_of_load_balancers_that_are_not_realised(world: World, key: str, value: str) -> None:
    with pytest.raises(ClientError) as error:
        world.elbv2.modify_load_balancer_attributes(LoadBalancerArn=world.balancer, **attribute(key, value))
    assert error.value.response["Error"]["Code"] == "NotRealised"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stickiness.enabled", "true"),
        ("slow_start.duration_seconds", "30"),
        ("load_balancing.algorithm.type", "weighted_random"),
        ("load_balancing.cross_zone.enabled", "false"),
        (HEALTHY.format("count"), "2"),
        ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "50"),
    ],
)
def test_attributes_of_target_groups_that_are_not_realised(world: World, key: str, value: str) -> None:
    with pytest.raises(ClientError) as error:
        world.elbv2.modify_target_group_attributes(TargetGroupArn=world.targets, **attribute(key, value))
    assert error.value.response["Error"]["Code"] == "NotRealised"
