"""Converts moto's load balancers, target groups, databases and snapshots to the topology."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localcloud.contract.topology import (
    Action,
    Database,
    HealthCheck,
    Listener,
    ListenerRule,
    LoadBalancer,
    Snapshot,
    Target,
    TargetGroup,
)

from . import managed_interfaces, moto_state
from .states import targets

DEFAULT_RULE = 50001  # after all priorities (1 to 50000)


def read_load_balancers(region: str) -> Iterator[LoadBalancer]:
    for balancer in list(moto_state.elbv2(region).load_balancers.values()):
        yield LoadBalancer(
            arn=balancer.arn,
            name=balancer.name,
            dns_name=balancer.dns_name,
            internet_facing=balancer.scheme == "internet-facing",
            vpc_id=balancer.vpc_id,
            interface_ids=tuple(interface.id for interface in managed_interfaces.of(region, balancer.arn)),
            listeners=tuple(_listener(listener) for listener in list(balancer.listeners.values())),
            idle_timeout=int(balancer.attrs.get("idle_timeout.timeout_seconds", 60)),
            drops_invalid_headers=balancer.attrs.get("routing.http.drop_invalid_header_fields.enabled") == "true",
        )


def _listener(listener: Any) -> Listener:
    rules = sorted((_rule(rule) for rule in listener.rules.values()), key=lambda rule: rule.priority)
    return Listener(listener.arn, int(listener.port), tuple(rules))


def _rule(rule: Any) -> ListenerRule:
    fields = {condition["Field"]: values for condition in rule.conditions if (values := _values(condition))}
    return ListenerRule(
        priority=DEFAULT_RULE if rule.is_default else int(rule.priority),
        action=_action(rule.actions[-1]),  # earlier actions are authentication, which is refused
        paths=fields.get("path-pattern", ()),
        hosts=fields.get("host-header", ()),
    )


def _values(condition: dict[str, Any]) -> tuple[str, ...]:
    configuration = condition.get("PathPatternConfig") or condition.get("HostHeaderConfig") or {}
    return tuple(condition.get("Values") or configuration.get("Values") or ())


def _action(action: Any) -> Action:
    data = action.data
    if action.type == "forward":
        return Action("forward", target_group_arn=targets.groups_of_action(data)[0])
    if action.type == "redirect":
        redirect = data["RedirectConfig"]
        location = "{}://{}:{}{}?{}".format(
            *(redirect.get(key, f"#{{{key.lower()}}}") for key in ("Protocol", "Host", "Port")),
            redirect.get("Path", "/#{path}"),
            redirect.get("Query", "#{query}"),
        )
        return Action("redirect", status=int(redirect["StatusCode"].removeprefix("HTTP_")), location=location)
    fixed = data["FixedResponseConfig"]
    return Action(
        "fixed-response",
        status=int(fixed["StatusCode"]),
        content_type=fixed.get("ContentType") or "text/plain",
        body=fixed.get("MessageBody") or "",
    )


def read_target_groups(region: str) -> Iterator[TargetGroup]:
    for group in list(moto_state.elbv2(region).target_groups.values()):
        registered = [_target(region, target, draining=False) for target in list(group.targets.values())]
        leaving = [_target(region, target, draining=True) for target in targets.draining(group).values()]
        yield TargetGroup(
            arn=group.arn,
            name=group.name,
            vpc_id=group.vpc_id,
            health_check=HealthCheck(
                path=group.health_check_path or "/",
                port=str(group.health_check_port),
                protocol=group.health_check_protocol,
                interval=int(group.health_check_interval_seconds),
                timeout=int(group.health_check_timeout_seconds),
                healthy_threshold=int(group.healthy_threshold_count),
                unhealthy_threshold=int(group.unhealthy_threshold_count),
                matcher=group.matcher["HttpCode"],
            ),
            targets=tuple(registered + leaving),
            algorithm=group.attributes["load_balancing.algorithm.type"],
        )


def _target(region: str, target: dict[str, Any], *, draining: bool) -> Target:
    address, zone = target["Id"], target["zone"]
    if target["Id"].startswith("i-"):
        instance = moto_state.ec2(region).get_instance_by_id(target["Id"])
        is_up = instance is not None and instance._state.name == "running"
        address = instance.private_ip if is_up else None
        zone = instance.availability_zone if instance is not None else None
    return Target(target["Id"], int(target["Port"]), address, zone, draining)


def read_databases(region: str) -> Iterator[Database]:
    """Existing databases; a deleted one stays until its final snapshot is taken."""
    for database in list(moto_state.rds(region).databases.values()):
        interfaces = managed_interfaces.of(region, database.db_instance_arn)
        if not interfaces:
            continue
        yield Database(
            id=database.db_instance_arn,
            region=region,
            vpc_id=interfaces[0].vpc_id,
            interface_id=interfaces[0].id,
            dns_name=database.address,
            port=int(database.port),
            engine_version=database.engine_version,
            master_username=database.master_username,
            master_password=database._master_user_password or "",
            name=database.db_name or "",
            parameters=tuple(sorted(database._applied.items())),
            boots=database._boots,
            restore_from=database._restore_from,
            running=database._final_status != "stopped",
        )


def read_snapshots(region: str) -> Iterator[Snapshot]:
    """Manual and final snapshots. Automated backups are only recorded."""
    for snapshot in list(moto_state.rds(region).database_snapshots.values()):
        if snapshot.snapshot_type == "manual":
            yield Snapshot(snapshot.db_snapshot_arn, snapshot.database.db_instance_arn)
