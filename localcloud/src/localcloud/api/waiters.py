"""Delays the polls of client waiters until the state they wait for is reached.

boto3's waiters poll every 15 to 30 seconds, so a state that lasts 2 seconds would cost them 15. Only polls (marked in
the User-Agent) are delayed, and only with the quick default durations.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from .moto import moto_state
from .moto.lifecycle import Lifecycle
from .moto.states import databases, instances, load_balancers, nat_gateways, targets
from .request import Call

LONGEST = 20.0
POLL_SECONDS = 0.05
_WAITER = re.compile(r"\bm/[A-Za-z0-9+,-]*(?<=[/,])B(?:[,\s]|$)")  # botocore's mark for a waiter's call


def hold(call: Call, clock: Lifecycle) -> None:
    """Return once none of the resources that the call reads is in transition, or after LONGEST seconds."""
    in_transition = _IN_TRANSITION.get(call.name)
    if in_transition is None or not clock.is_quick or not _WAITER.search(call.environ.get("HTTP_USER_AGENT", "")):
        return
    end = time.monotonic() + LONGEST
    while in_transition(call) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)


def _asked(call: Call, parameter: str, identifier: str, models: list[Any]) -> list[Any]:
    """The models that the call names, or all."""
    wanted = call.parameters.get(parameter)
    names = {wanted} if isinstance(wanted, str) else set(wanted or ())
    return [model for model in models if not names or getattr(model, identifier) in names]


def _instances(call: Call) -> bool:
    asked = _asked(call, "InstanceIds", "id", moto_state.instances(call.region))
    return any(instances.is_in_transition(instance) for instance in asked)


def _statuses(call: Call) -> bool:
    asked = _asked(call, "InstanceIds", "id", moto_state.instances(call.region))
    checks = {instance.instance_status["Status"] for instance in asked}
    return "initializing" in checks or "pending" in {instances.state_of(instance) for instance in asked}


def _nat_gateways(call: Call) -> bool:
    gateways = list(moto_state.ec2(call.region).nat_gateways.values())
    asked = _asked(call, "NatGatewayIds", "id", gateways)
    return any(nat_gateways.state_of(gateway) in ("pending", "deleting") for gateway in asked)


def _load_balancers(call: Call) -> bool:
    models = list(moto_state.elbv2(call.region).load_balancers.values())
    asked = _asked(call, "LoadBalancerArns", "arn", models)
    return any(load_balancers.state_of(balancer) == "provisioning" for balancer in asked)


def _databases(call: Call) -> bool:
    models = list(moto_state.rds(call.region).databases.values())
    asked = _asked(call, "DBInstanceIdentifier", "db_instance_identifier", models)
    return any(databases.is_in_transition(database) for database in asked)


def _snapshots(call: Call) -> bool:
    models = list(moto_state.rds(call.region).database_snapshots.values())
    asked = _asked(call, "DBSnapshotIdentifier", "db_snapshot_identifier", models)
    return any(snapshot.status == "creating" for snapshot in asked)


def _targets(call: Call) -> bool:
    group = moto_state.elbv2(call.region).target_groups.get(call.parameters.get("TargetGroupArn", ""))
    if group is None:
        return False
    asked = call.parameters.get("Targets") or list(group.targets.values())
    return any(targets.state_of(group, target) == "initial" for target in asked)


_IN_TRANSITION: dict[str, Callable[[Call], bool]] = {
    "ec2:DescribeInstances": _instances,
    "ec2:DescribeInstanceStatus": _statuses,
    "ec2:DescribeNatGateways": _nat_gateways,
    "elbv2:DescribeLoadBalancers": _load_balancers,
    "elbv2:DescribeTargetHealth": _targets,
    "rds:DescribeDBInstances": _databases,
    "rds:DescribeDBSnapshots": _snapshots,
}
