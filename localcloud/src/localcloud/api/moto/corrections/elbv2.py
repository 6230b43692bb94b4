"""Corrections to moto's ELBv2."""

from __future__ import annotations

from typing import Any

from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer

from ..patching import replace

APPLICATION_DEFAULTS = {
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.prefix": "",
    "deletion_protection.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "ipv6.deny_all_igw_traffic": "false",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}


def load_balancer_attributes() -> None:
    """Application load balancers have all attributes, with AWS's defaults. For elb_application_lb (otherwise KeyError)."""
    original = FakeLoadBalancer.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if self.type == "application":
            self.attrs.update(APPLICATION_DEFAULTS)

    replace(FakeLoadBalancer, __init__=init)
    replace(FakeLoadBalancer, VALID_ATTRS=set(FakeLoadBalancer.VALID_ATTRS) | set(APPLICATION_DEFAULTS))


def defaults_of_a_load_balancer() -> None:
    """The default scheme is internet-facing, the default security group is the VPC's. For the data plane."""
    original = FakeLoadBalancer.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.scheme = self.scheme or "internet-facing"
        if not self.security_groups and self.type == "application":
            group = self.subnets[0].ec2_backend.get_default_security_group(self.vpc_id)
            self.security_groups = [group.id]

    replace(FakeLoadBalancer, __init__=init)


def idempotent_load_balancer_creation() -> None:
    """CreateLoadBalancer with an existing name returns that load balancer (refusals make sure that its settings are the
    same). For retries after a lost response (otherwise two load balancers share a name)."""
    original = ELBv2Backend.create_load_balancer

    def create(self: Any, *args: Any, **kwargs: Any) -> Any:
        name = kwargs.get("name", args[0] if args else None)
        existing = [balancer for balancer in self.load_balancers.values() if balancer.name == name]
        return existing[0] if existing else original(self, *args, **kwargs)

    replace(ELBv2Backend, create_load_balancer=create)


def longest_deregistration_delay() -> None:
    """A deregistration delay may be 3600 seconds, AWS's maximum, which moto excludes."""
    name, longest = "deregistration_delay.timeout_seconds", "3600"
    original = ELBv2Backend.modify_target_group_attributes

    def modify(self: Any, target_group_arn: str, attributes: dict[str, Any]) -> None:
        others = {key: value for key, value in attributes.items() if (key, str(value)) != (name, longest)}
        original(self, target_group_arn, others)
        if len(others) < len(attributes):
            self.target_groups[target_group_arn].attributes[name] = longest

    replace(ELBv2Backend, modify_target_group_attributes=modify)


def idempotent_target_groups() -> None:
    """CreateTargetGroup with the same settings returns the existing group, and DeleteTargetGroup of a missing group
    succeeds. For retries after a lost response."""
    create, delete = ELBv2Backend.create_target_group, ELBv2Backend.delete_target_group
    settings = ("protocol", "port", "vpc_id", "target_type", "health_check_path", "health_check_port")

    def create_target_group(self: Any, name: str, **params: Any) -> Any:
        for group in self.target_groups.values():
            given = [setting for setting in settings if params.get(setting) not in (None, "")]
            same = all(str(params[setting]) == str(getattr(group, setting)) for setting in given)
            if group.name == name and same:
                return group
        return create(self, name, **params)

    def delete_target_group(self: Any, target_group_arn: str) -> Any:
        return delete(self, target_group_arn) if target_group_arn in self.target_groups else None

    replace(ELBv2Backend, create_target_group=create_target_group, delete_target_group=delete_target_group)


def several_values_of_a_condition() -> None:
    """The older member Values accepts as many values as the newer configurations. For elb_application_lb."""
    for field, configuration in (("path_pattern", "PathPatternConfig"), ("host_header", "HostHeaderConfig")):
        name = f"_validate_{field}_condition"
        replace(ELBv2Backend, **{name: _by_configuration(getattr(ELBv2Backend, name), configuration)})


def _by_configuration(original: Any, configuration: str) -> Any:
    def validate(self: Any, condition: dict[str, Any]) -> None:
        values = condition.get("Values")
        original(self, {"Field": condition["Field"], configuration: {"Values": values}} if values else condition)

    return validate


ALL = (
    idempotent_target_groups,
    several_values_of_a_condition,
    longest_deregistration_delay,
    idempotent_load_balancer_creation,
    load_balancer_attributes,
    defaults_of_a_load_balancer,
)
