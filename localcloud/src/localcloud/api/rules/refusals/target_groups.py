"""Target groups and targets."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.request import Call

from .load_balancers import want_attributes, want_name
from .rules import guards, refuse_if, want_match, want_range

PRIVATE = tuple(ip_network(text) for text in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"))
KEYS = {
    "deregistration_delay.timeout_seconds", "stickiness.enabled", "stickiness.type", "load_balancing.cross_zone.enabled",
    "load_balancing.algorithm.type", "load_balancing.algorithm.anomaly_mitigation", "slow_start.duration_seconds",
    "stickiness.app_cookie.cookie_name", "stickiness.app_cookie.duration_seconds", "stickiness.lb_cookie.duration_seconds",
    "target_group_health.dns_failover.minimum_healthy_targets.count",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
}  # fmt: skip
RANGES = {
    "deregistration_delay.timeout_seconds": (0, 3600),
    "stickiness.lb_cookie.duration_seconds": (1, 604800),
    "stickiness.app_cookie.duration_seconds": (1, 604800),
    "slow_start.duration_seconds": (0, 900),
}
HEALTHY = "target_group_health.{}.minimum_healthy_targets.{}"
HEALTHY_PARTS = [
    (part, what) for part in ("dns_failover", "unhealthy_state_routing") for what in ("count", "percentage")
]
OWN_COOKIES = re.compile(r"AWSALB.*")
CHOICES = {
    "stickiness.enabled": {"true", "false"},
    "load_balancing.algorithm.type": {"round_robin", "least_outstanding_requests", "weighted_random"},
    "load_balancing.cross_zone.enabled": {"true", "false", "use_load_balancer_configuration"},
    "load_balancing.algorithm.anomaly_mitigation": {"on", "off"},
    "stickiness.type": {"lb_cookie", "app_cookie"},
    **{HEALTHY.format(part, "percentage"): {"off", *map(str, range(1, 101))} for part, _ in HEALTHY_PARTS},
    HEALTHY.format("dns_failover", "count"): {"off", *map(str, range(1, 1001))},
    HEALTHY.format("unhealthy_state_routing", "count"): set(map(str, range(1, 1001))),
}
CODE = re.compile(r"(\d{3})(?:-(\d{3}))?")


@guards("elbv2:CreateTargetGroup")
def a_target_group_is_well_named_and_placed(call: Call) -> None:
    params = call.parameters
    want_name("Target group", params.get("Name", ""))
    if params.get("TargetType", "instance") == "lambda":
        return
    for member in ("Protocol", "Port", "VpcId"):
        refuse_if(params.get(member) is None, "ValidationError", f"A {member} must be specified")
    vpcs = moto_state.ec2(call.region).vpcs
    refuse_if(params["VpcId"] not in vpcs, "ValidationError", f"The VPC ID '{params['VpcId']}' is not found")


@guards("elbv2:CreateTargetGroup", "elbv2:ModifyTargetGroup")
def a_health_check_can_be_done(call: Call) -> None:
    params = call.parameters
    path = params.get("HealthCheckPath")
    want_match(
        path,
        r"/[!-~]{0,1023}",
        "ValidationError",
        f"Health check path '{path}' must begin with a '/' and contain only printable ASCII characters, without spaces",
    )
    port = params.get("HealthCheckPort")
    if port not in (None, "traffic-port"):
        refuse_if(
            not port.isdigit() or not 1 <= int(port) <= 65535,
            "ValidationError",
            f"Health check port '{port}' must be 'traffic-port' or 1 to 65535",
        )
    stored = moto_state.elbv2(call.region).target_groups.get(params.get("TargetGroupArn", ""))
    interval = params.get("HealthCheckIntervalSeconds") or (stored.health_check_interval_seconds if stored else 30)
    timeout = params.get("HealthCheckTimeoutSeconds") or (stored.health_check_timeout_seconds if stored else 5)
    want_range(interval, 5, 300, "ValidationError", f"Health check interval '{interval}' must be 5 to 300 seconds")
    want_range(timeout, 2, 120, "ValidationError", f"Health check timeout '{timeout}' must be 2 to 120 seconds")
    refuse_if(
        int(timeout) >= int(interval),
        "ValidationError",
        f"Health check timeout '{timeout}' must be smaller than the interval '{interval}'",
    )
    for member in ("HealthyThresholdCount", "UnhealthyThresholdCount"):
        want_range(params.get(member), 2, 10, "ValidationError", f"{member} '{params.get(member)}' must be 2 to 10")
    protocol = params.get("HealthCheckProtocol")
    refuse_if(
        protocol not in (None, "HTTP", "HTTPS"),
        "ValidationError",
        f"Health check protocol '{protocol}' must be one of 'HTTP, HTTPS'",
    )
    refuse_if(
        params.get("HealthCheckEnabled") is False and params.get("TargetType") != "lambda",
        "ValidationError",
        "Health check enabled must be true for target groups with target type 'instance' or 'ip'",
    )
    version = params.get("ProtocolVersion", "HTTP1")
    refuse_if(
        version not in ("HTTP1", "HTTP2", "GRPC"), "ValidationError", f"Protocol version '{version}' is not supported"
    )
    matcher = params.get("Matcher") or {}
    refuse_if(
        matcher.get("GrpcCode") is not None and version != "GRPC",
        "ValidationError",
        "A gRPC code matcher can be specified for gRPC target groups only",
    )
    _matcher(matcher.get("HttpCode"))


def _matcher(text: str | None) -> None:
    for part in ("200" if text is None else text).split(","):
        found = CODE.fullmatch(part)
        numbers = [int(number) for number in found.groups() if number] if found else []
        refuse_if(
            not numbers or any(not 200 <= number <= 499 for number in numbers) or numbers != sorted(numbers),
            "ValidationError",
            f"Health check matcher HTTP code '{text}' must be within '200-499' inclusive",
        )


@guards("elbv2:ModifyTargetGroupAttributes")
def attributes_are_known(call: Call) -> None:
    for attribute in call.parameters.get("Attributes") or ():
        key = attribute.get("Key")
        refuse_if(key not in KEYS, "ValidationError", f"Target group attribute key '{key}' is not recognized")
    want_attributes("Target group", call, RANGES, CHOICES)
    values = {one.get("Key"): str(one.get("Value", "")) for one in call.parameters.get("Attributes") or ()}
    refuse_if(
        0 < int(values.get("slow_start.duration_seconds", 0)) < 30,
        "ValidationError",
        "The slow start duration must be 0 or 30 to 900 seconds",
    )
    cookie = values.get("stickiness.app_cookie.cookie_name")
    refuse_if(
        cookie is not None and OWN_COOKIES.fullmatch(cookie),
        "ValidationError",
        f"The cookie name '{cookie}' is reserved for the load balancer",
    )


@guards("elbv2:DescribeTargetHealth")
def a_target_group_asked_for_exists(call: Call) -> None:
    arn = call.parameters["TargetGroupArn"]
    refuse_if(
        arn not in moto_state.elbv2(call.region).target_groups,
        "TargetGroupNotFound",
        f"Target groups '{arn}' not found",
    )


@guards("elbv2:RegisterTargets")
def targets_lie_in_the_vpc(call: Call) -> None:
    arn = call.parameters["TargetGroupArn"]
    group = moto_state.elbv2(call.region).target_groups.get(arn)
    if group is None:
        raise AwsError("TargetGroupNotFound", f"Target groups '{arn}' not found")
    for target in call.parameters.get("Targets") or ():
        identifier, port = target["Id"], target.get("Port")
        want_range(port, 1, 65535, "ValidationError", f"Port '{port}' must be 1 to 65535")
        refuse_if(
            group.target_type != "ip" and target.get("AvailabilityZone"),
            "ValidationError",
            "You cannot specify an Availability Zone for targets of type 'instance'",
        )
        if group.target_type == "ip":
            _address(call.region, group.vpc_id, target)
            continue
        refuse_if(not identifier.startswith("i-"), "ValidationError", f"Instance ID '{identifier}' is not valid")
        instance = moto_state.ec2(call.region).get_instance_by_id(identifier)
        refuse_if(
            instance is None or instance._state.name == "terminated",
            "InvalidTarget",
            f"The following targets are not in a running state or do not exist: '{identifier}'",
        )
        refuse_if(
            instance.vpc_id != group.vpc_id,
            "InvalidTarget",
            f"The following targets are not in the target group VPC '{group.vpc_id}': '{identifier}'",
        )


def _address(region: str, vpc_id: str, target: dict[str, object]) -> None:
    text = str(target["Id"])
    try:
        address = ip_address(text)
    except ValueError as error:
        raise AwsError("ValidationError", f"The IP address '{text}' is not a valid IPv4 address") from error
    vpc = moto_state.ec2(region).vpcs[vpc_id]
    inside = any(address in ip_network(one["cidr_block"]) for one in vpc.get_cidr_block_association_set())
    refuse_if(
        not inside and not any(address in network for network in PRIVATE),
        "InvalidTarget",
        f"The IP address '{text}' is not within the VPC or a private range",
    )
    refuse_if(
        not inside and target.get("AvailabilityZone") != "all",
        "ValidationError",
        f"You must specify the Availability Zone 'all' for the IP address '{text}', which is outside the VPC",
    )
