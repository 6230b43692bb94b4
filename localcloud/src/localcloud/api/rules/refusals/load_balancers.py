"""Load balancers: names, subnets in zones of one VPC, security groups."""

from __future__ import annotations

from typing import Any

from moto.elbv2.models import FakeLoadBalancer

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.moto.corrections.addresses import RESERVED_AT_START, addresses_in
from localcloud.api.request import Call

from .networks import has_internet_gateway
from .rules import guards, refuse_if, want_match, want_range

FREE_ADDRESSES = 8
SMALLEST_SUBNET = 27
NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?"


def want_name(what: str, name: str) -> None:
    """Names of load balancers and target groups: 1 to 32 letters, digits and hyphens, none at an end."""
    refuse_if(len(name) > 32, "ValidationError", f"{what} name '{name}' cannot be longer than '32' characters")
    allowed = name.replace("-", "").isalnum() and name.isascii()
    refuse_if(
        not allowed,
        "ValidationError",
        f"{what} name '{name}' can only contain characters that are alphanumeric characters and hyphens(-)",
    )
    refuse_if(
        name.startswith("-") or name.endswith("-"),
        "ValidationError",
        f"{what} name '{name}' cannot begin or end with '-'",
    )


@guards("elbv2:CreateLoadBalancer")
def a_load_balancer_is_well_named(call: Call) -> None:
    name = call.parameters.get("Name", "")
    want_name("Load balancer", name)
    refuse_if(
        name.startswith("internal-"), "ValidationError", f"Load balancer name '{name}' cannot begin with 'internal-'"
    )


def wanted_subnets(call: Call) -> list[Any]:
    """moto's subnets that the call names. Raises AwsError SubnetNotFound."""
    params, subnets = call.parameters, moto_state.subnets(call.region)
    refuse_if(
        params.get("Subnets") and params.get("SubnetMappings"),
        "ValidationError",
        "Only one of subnets or subnet mappings can be specified",
    )
    wanted = [*(params.get("Subnets") or ()), *(one["SubnetId"] for one in params.get("SubnetMappings") or ())]
    for identifier in wanted:
        refuse_if(identifier not in subnets, "SubnetNotFound", f"The subnet ID '{identifier}' does not exist")
    return [subnets[identifier] for identifier in wanted]


@guards("elbv2:CreateLoadBalancer", "elbv2:SetSubnets")
def subnets_lie_in_two_zones_of_one_vpc(call: Call) -> None:
    subnets = wanted_subnets(call)
    refuse_if(
        len(subnets) < 2,
        "ValidationError",
        "At least two subnets in two different Availability Zones must be specified",
    )
    refuse_if(
        len({subnet.vpc_id for subnet in subnets}) > 1,
        "InvalidConfigurationRequest",
        "All subnets must belong to the same VPC",
    )
    refuse_if(
        len({subnet.availability_zone for subnet in subnets}) < len(subnets),
        "InvalidConfigurationRequest",
        "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
    )
    for subnet in subnets:
        free = subnet.cidr.num_addresses - RESERVED_AT_START - 1 - len(addresses_in(subnet))
        refuse_if(
            free < FREE_ADDRESSES or subnet.cidr.prefixlen > SMALLEST_SUBNET,
            "InvalidSubnet",
            f"Not enough IP space available in {subnet.id}. "
            f"ELB requires at least {FREE_ADDRESSES} free IP addresses in each subnet.",
        )


@guards("elbv2:SetSubnets")
def a_load_balancer_stays_in_its_vpc(call: Call) -> None:
    balancer = existing(call)
    refuse_if(
        wanted_subnets(call)[0].vpc_id != balancer.vpc_id,
        "InvalidConfigurationRequest",
        f"All subnets must belong to the VPC of the load balancer, '{balancer.vpc_id}'",
    )


@guards("elbv2:CreateLoadBalancer")
def the_internet_needs_a_gateway(call: Call) -> None:
    vpc_id = wanted_subnets(call)[0].vpc_id
    is_public = call.parameters.get("Scheme", "internet-facing") == "internet-facing"
    refuse_if(
        is_public and not has_internet_gateway(call.region, vpc_id),
        "InvalidSubnet",
        f"VPC {vpc_id} has no internet gateway",
    )


@guards("elbv2:CreateLoadBalancer", "elbv2:SetSecurityGroups")
def groups_exist_in_the_vpc(call: Call) -> None:
    groups = moto_state.security_groups(call.region)
    refuse_if(
        call.action == "SetSecurityGroups" and not call.parameters.get("SecurityGroups"),
        "ValidationError",
        "At least one security group must be specified",
    )
    vpc_id = existing(call).vpc_id if call.action == "SetSecurityGroups" else wanted_subnets(call)[0].vpc_id
    for identifier in call.parameters.get("SecurityGroups") or ():
        refuse_if(identifier not in groups, "InvalidSecurityGroup", f"The security group '{identifier}' does not exist")
        refuse_if(
            groups[identifier].vpc_id != vpc_id,
            "InvalidConfigurationRequest",
            f"The security group '{identifier}' does not belong to VPC '{vpc_id}'",
        )


def existing(call: Call) -> Any:
    """moto's load balancer that the call names. Raises AwsError LoadBalancerNotFound."""
    arn = call.parameters.get("LoadBalancerArn", "")
    balancer = moto_state.elbv2(call.region).load_balancers.get(arn)
    if balancer is None:
        raise AwsError("LoadBalancerNotFound", f"Load balancer '{arn}' not found")
    return balancer


@guards("elbv2:CreateLoadBalancer")
def a_name_is_used_once(call: Call) -> None:
    """The same request again is answered with the load balancer that there is; another one under its name is refused."""
    params = call.parameters
    for balancer in moto_state.elbv2(call.region).load_balancers.values():
        same = {subnet.id for subnet in balancer.subnets} == {subnet.id for subnet in wanted_subnets(call)} and (
            balancer.scheme == params.get("Scheme", "internet-facing")
        )
        refuse_if(
            balancer.name == params["Name"] and not same,
            "DuplicateLoadBalancerName",
            f"A load balancer with the same name '{params['Name']}' exists, but with different settings",
        )


RANGES = {"idle_timeout.timeout_seconds": (1, 4000), "client_keep_alive.seconds": (60, 604800)}
BOOLEANS = (
    "load_balancing.cross_zone.enabled", "ipv6.deny_all_igw_traffic", "zonal_shift.config.enabled",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "health_check_logs.s3.enabled", "deletion_protection.enabled",
    "routing.http2.enabled", "routing.http.drop_invalid_header_fields.enabled", "access_logs.s3.enabled",
    "connection_logs.s3.enabled", "waf.fail_open.enabled", "routing.http.preserve_host_header.enabled",
    "routing.http.xff_client_port.enabled",
)  # fmt: skip
CHOICES = {
    "routing.http.desync_mitigation_mode": {"monitor", "defensive", "strictest"},
    "routing.http.xff_header_processing.mode": {"append", "preserve", "remove"},
    **{name: {"true", "false"} for name in BOOLEANS},
}


LOAD_BALANCER = r"arn:aws:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/(app|net|gwy)/[A-Za-z0-9-]+/[0-9a-f]+"


@guards("elbv2:DeleteLoadBalancer")
def a_load_balancer_has_an_arn(call: Call) -> None:
    arn = call.parameters.get("LoadBalancerArn", "")
    want_match(arn, LOAD_BALANCER, "ValidationError", f"'{arn}' is not a valid load balancer ARN")


@guards("elbv2:ModifyLoadBalancerAttributes")
def crossing_zones_is_always_on(call: Call) -> None:
    for attribute in call.parameters.get("Attributes") or ():
        refuse_if(
            attribute == {"Key": "load_balancing.cross_zone.enabled", "Value": "false"},
            "InvalidConfigurationRequest",
            "Cross-zone load balancing cannot be turned off for application load balancers",
        )


@guards("elbv2:ModifyLoadBalancerAttributes")
def attributes_have_allowed_values(call: Call) -> None:
    for attribute in call.parameters.get("Attributes") or ():
        key = attribute.get("Key")
        known = key in FakeLoadBalancer.VALID_ATTRS
        refuse_if(not known, "ValidationError", f"Load balancer attribute key '{key}' is not recognized")
    want_attributes("Load balancer", call, RANGES, CHOICES)


def want_attributes(what: str, call: Call, ranges: dict[str, tuple[int, int]], choices: dict[str, set[str]]) -> None:
    """Attributes of load balancers and target groups, by name: numbers within a range, texts among choices."""
    attributes = call.parameters.get("Attributes") or ()
    keys = [attribute.get("Key") for attribute in attributes]
    refuse_if(len(set(keys)) < len(keys), "ValidationError", f"{what} attribute keys must be unique")
    for attribute in attributes:
        key, value = attribute.get("Key"), str(attribute.get("Value", ""))
        message = f"{what} attribute '{key}' has the invalid value '{value}'"
        if key in ranges:
            refuse_if(not value.lstrip("-").isdigit(), "ValidationError", message)
            want_range(int(value), *ranges[key], "ValidationError", message)
        refuse_if(key in choices and value not in choices[key], "ValidationError", message)
