"""Targets (an id and a port): initial, healthy, unhealthy, unused, draining, as the data plane finds them."""

from __future__ import annotations

import time
from typing import Any

from moto.elbv2.exceptions import TargetNotRunning
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup

from .. import lifecycle, moto_state
from ..patching import replace

NOT_IN_USE = ("unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer")
OTHER_ZONE = "Target is in an Availability Zone that is not enabled for the load balancer"
ZONE_NOT_ENABLED = ("unused", "Target.NotInUse", OTHER_ZONE)
STOPPED = ("unused", "Target.InvalidState", "Target is in the stopped state")
NOT_REGISTERED = ("unused", "Target.NotRegistered", "Target is not registered to the target group")
DRAINING = ("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
INITIAL = ("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
HEALTHY = ("healthy", None, None)

HealthStatus = tuple[str, str | None, str | None]


def key_of(group: Any, target: dict[str, Any]) -> str:
    """The same instance may be registered on several ports, so a target is an id and a port."""
    return f"{target['Id']}:{target.get('Port', group.port)}"


def draining(group: Any) -> dict[str, dict[str, Any]]:
    """Deregistered targets that are still within the deregistration delay."""
    delay = float(group.attributes["deregistration_delay.timeout_seconds"])
    now = time.monotonic()
    return {key: target for key, target in group.deregistered_targets.items() if now - target["since"] < delay}


def balancers_of(group: Any) -> list[Any]:
    """The load balancers with a listener that forwards to the group."""
    backend = moto_state.elbv2(group.region_name)
    return [
        balancer for balancer in list(backend.load_balancers.values()) if group.arn in targets_of_balancer(balancer)
    ]


def targets_of_balancer(balancer: Any) -> set[str]:
    """ARNs of the target groups that a load balancer's listeners and rules forward to."""
    actions = [
        action
        for listener in list(balancer.listeners.values())
        for rule in listener.rules.values()
        for action in rule.actions
    ]
    return {arn for action in actions if action.type == "forward" for arn in groups_of_action(action.data)}


def groups_of_action(action: dict[str, Any]) -> list[str]:
    """ARNs of the target groups of a forward action, in either of its forms."""
    if "TargetGroupArn" in action:
        return [action["TargetGroupArn"]]
    return [group["TargetGroupArn"] for group in action.get("ForwardConfig", {}).get("TargetGroups", [])]


def _health(group: Any, target: dict[str, Any], ec2: Any) -> HealthStatus:
    registered = group.targets.get(key_of(group, target))
    if registered is None:
        return DRAINING if key_of(group, target) in draining(group) else NOT_REGISTERED
    balancers = balancers_of(group)
    if not balancers:
        return NOT_IN_USE
    instance = ec2.get_instance_by_id(registered["Id"]) if registered["Id"].startswith("i-") else None
    if instance is not None:
        if instance._state.name != "running":
            return STOPPED
        if all(instance.availability_zone not in _zones(balancer) for balancer in balancers):
            return ZONE_NOT_ENABLED
    clock = lifecycle.current()
    if clock.reality is None:
        return HEALTHY if clock.over("target registration", registered["since"]) else INITIAL
    found = clock.reality.health(group.arn, registered["Id"], int(registered["Port"]))
    return (found.state, found.reason, found.description) if found else INITIAL


def state_of(group: Any, target: dict[str, Any]) -> str:
    """The target's health state that AWS would show now."""
    return _health(group, target, group.ec2_backend)[0]


def _zones(balancer: Any) -> set[str]:
    return {subnet.availability_zone for subnet in balancer.subnets}


def _health_for(self: Any, target: dict[str, Any], ec2_backend: Any) -> FakeHealthStatus:
    port = target.get("Port", self.port)
    check_port = str(port) if self.health_check_port == "traffic-port" else self.health_check_port
    return FakeHealthStatus(target["Id"], port, check_port, *_health(self, target, ec2_backend))


def _register(self: Any, targets: list[dict[str, Any]]) -> None:
    for target in targets:
        instance = self.ec2_backend.get_instance_by_id(target["Id"]) if target["Id"].startswith("i-") else None
        if instance is not None and instance.state != "running":
            raise TargetNotRunning(instance_id=target["Id"])
    for target in targets:
        key = key_of(self, target)
        if key not in self.targets:
            port, zone = target.get("Port", self.port), target.get("AvailabilityZone")
            self.targets[key] = {"Id": target["Id"], "Port": port, "since": time.monotonic(), "zone": zone}
        self.deregistered_targets.pop(key, None)


def _deregister(self: Any, targets: list[dict[str, Any]]) -> None:
    for target in targets:
        same = [key for key, registered in self.targets.items() if registered["Id"] == target["Id"]]
        for key in [key_of(self, target)] if "Port" in target else same:
            if found := self.targets.pop(key, None):
                self.deregistered_targets[key] = {**found, "since": time.monotonic()}


def _forget_terminated(self: Any, instance_ids: list[str]) -> None:
    self.deregister([{"Id": target["Id"]} for target in list(self.targets.values()) if target["Id"] in instance_ids])


def _describe(self: Any, target_group_arn: str, targets: list[dict[str, Any]]) -> list[FakeHealthStatus]:
    group = self.target_groups[target_group_arn]
    wanted = targets or [*group.targets.values(), *draining(group).values()]
    return [group.health_for(target, self.ec2_backend) for target in wanted]


def apply() -> None:
    replace(FakeTargetGroup, health_for=_health_for)
    replace(FakeTargetGroup, register=_register)
    replace(FakeTargetGroup, deregister=_deregister)
    replace(FakeTargetGroup, deregister_terminated_instances=_forget_terminated)
    replace(ELBv2Backend, describe_target_health=_describe)
