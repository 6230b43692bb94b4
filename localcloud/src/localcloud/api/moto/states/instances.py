"""EC2 instances: pending, running, stopping, stopped, shutting-down, terminated; status checks; boots."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from moto.ec2.models.instances import Instance, InstanceState, StateReason

from .. import lifecycle, moto_state
from ..patching import replace, wrap

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
INITIATED = "Client.InstanceInitiatedShutdown"
# moto's state -> the transitional state before it.
TRANSITIONS = {"running": "pending", "stopped": "stopping", "terminated": "shutting-down"}


def state_of(instance: Any) -> str:
    """The state that AWS would show now."""
    clock = lifecycle.current()
    final: str = instance._state.name
    if instance._settled:
        return final
    if final == "running" and clock.failure(instance.id):
        return "terminated"
    transitional = TRANSITIONS[final]
    if instance.id in clock.launch_errors:
        return "terminated" if clock.over("instance pending", instance._since) else transitional
    reached = clock.is_real if final == "running" else clock.is_gone
    if not clock.over(f"instance {transitional}", instance._since) or not reached(instance.id):
        return transitional
    instance._settled = True
    return final


def is_in_transition(instance: Any) -> bool:
    """Whether the state is transitional."""
    return state_of(instance) in TRANSITIONS.values()


def _begin(instance: Any, boots: int = 0) -> None:
    instance._since = time.monotonic()
    instance._settled = False
    instance._boots = getattr(instance, "_boots", 0) + boots


def _status(instance: Any) -> dict[str, Any]:
    if state_of(instance) != "running":
        return {"Status": "not-applicable"}
    clock = lifecycle.current()
    if not clock.over("instance status checks", instance._since) or not clock.is_real(instance.id):
        return {"Status": "initializing", "Details": [{"Name": "reachability", "Status": "initializing"}]}
    return {"Status": "ok", "Details": [{"Name": "reachability", "Status": "passed"}]}


def _reason(instance: Any) -> Any:
    if instance.id in lifecycle.current().launch_errors:
        code, message = lifecycle.current().launch_errors[instance.id]
        return StateReason(message, code)
    if instance._state.name == "running" and (failure := lifecycle.current().failure(instance.id)):
        return StateReason(f"Server.InternalError: {failure}", "Server.InternalError")
    return instance._state_reason


def _make(init: Any, instance: Any, /, *args: Any, **kwargs: Any) -> None:
    _begin(instance, boots=1)
    init(instance, *args, **kwargs)
    pair = instance.ec2_backend.key_pairs.get(instance.key_name)
    instance._public_key = pair.public_key if pair else None  # the key outlives the key pair


def _changes_to(state: str, then: Callable[[Any], None]) -> Any:
    """Wrap a method that changes the state unless it is reached already, and returns the former state."""

    def around(change: Any, instance: Any) -> Any:
        before = InstanceState(state_of(instance), CODES[state_of(instance)])
        if instance._state.name != state:
            change(instance)
            then(instance)
        return before

    return around


def _terminated(instance: Any) -> None:
    _release_addresses(instance)
    _begin(instance)


def _reboot(reboot: Any, instance: Any) -> None:
    reboot(instance)
    instance._boots += 1
    instance._since = time.monotonic()  # the state stays `running`, but status checks restart


def _release_addresses(instance: Any) -> None:
    """Disassociate elastic addresses, except those of interfaces that outlive the instance."""
    for elastic in instance.ec2_backend.addresses:
        if elastic.eni is not None and elastic.eni.id not in instance.ec2_backend.enis:
            elastic.eni = elastic.instance = elastic.association_id = None


def follow_power_off() -> bool:
    """Stop or terminate (per shutdown behaviour) instances that shut themselves down. Returns whether any did."""
    reality = lifecycle.current().reality
    if reality is None:
        return False
    off = [
        instance
        for region in moto_state.ec2_regions()
        for instance in moto_state.instances(region)
        if instance._state.name == "running" and reality.powered_off(instance.id)
    ]
    for instance in off:
        if instance.instance_initiated_shutdown_behavior == "terminate":
            instance.terminate()
        else:
            instance.stop()
        instance._state_reason = StateReason("Client.InstanceInitiatedShutdown: Instance initiated shutdown", INITIATED)
    return bool(off)


def apply() -> None:
    wrap(
        Instance,
        __init__=_make,
        start=_changes_to("running", lambda instance: _begin(instance, boots=1)),
        stop=_changes_to("stopped", _begin),
        terminate=_changes_to("terminated", _terminated),
        reboot=_reboot,
    )
    replace(
        Instance,
        instance_state=property(lambda self: InstanceState(state_of(self), CODES[state_of(self)])),
        state=property(state_of),
        state_code=property(lambda self: CODES[state_of(self)]),
        instance_status=property(_status),
        system_status=property(_status),
        state_reason=property(_reason, lambda self, value: setattr(self, "_state_reason", value)),
    )
