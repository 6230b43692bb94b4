"""What really exists: written by the data plane, read by the API for Describe calls."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

HealthState = Literal["initial", "healthy", "unhealthy", "unused", "draining", "unavailable"]


@dataclass(frozen=True)
class Health:
    """A target's health, with AWS's reason code (for example Target.ResponseCodeMismatch) and description."""

    state: HealthState
    reason: str | None = None
    description: str | None = None


def with_password(database: str, password: str) -> str:
    """The resource name for "this database (an ARN) has this master password"."""
    return f"{database} {hashlib.sha256(password.encode()).hexdigest()[:16]}"


class Reality:
    """Thread-safe. Resources have their API names: i-…, nat-…, ARNs of load balancers, databases, snapshots."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ready: set[str] = set()
        self._failed: dict[str, str] = {}
        self._powered_off: set[str] = set()
        self._health: dict[tuple[str, str, int], Health] = {}
        self._consoles: dict[str, str] = {}

    def set_ready(self, resource: str) -> None:
        """The resource works: an instance answers on SSH, a load balancer or database on its port."""
        with self._changed:
            self._ready.add(resource)
            self._powered_off.discard(resource)
            self._failed.pop(resource, None)
            self._changed.notify_all()

    def set_gone(self, resource: str) -> None:
        """The resource does not run (stopped, rebooting or deleted)."""
        with self._changed:
            self._ready.discard(resource)
            self._powered_off.discard(resource)
            self._changed.notify_all()

    def set_powered_off(self, instance_id: str) -> None:
        """The host shut itself down; on AWS the instance is then stopped or terminated."""
        with self._changed:
            self._ready.discard(instance_id)
            self._powered_off.add(instance_id)
            self._changed.notify_all()

    def powered_off(self, instance_id: str) -> bool:
        with self._changed:
            return instance_id in self._powered_off

    def set_failed(self, resource: str, reason: str) -> None:
        """The resource could not be made real; the API shows the reason."""
        with self._changed:
            self._ready.discard(resource)
            self._failed[resource] = reason
            self._changed.notify_all()

    def ready(self, resource: str) -> bool:
        with self._changed:
            return resource in self._ready

    def failure(self, resource: str) -> str | None:
        with self._changed:
            return self._failed.get(resource)

    def set_health(self, target_group_arn: str, target_id: str, port: int, health: Health) -> None:
        with self._changed:
            self._health[target_group_arn, target_id, port] = health
            self._changed.notify_all()

    def forget_health(self, target_group_arn: str, target_id: str, port: int) -> None:
        with self._changed:
            self._health.pop((target_group_arn, target_id, port), None)
            self._changed.notify_all()

    def health(self, target_group_arn: str, target_id: str, port: int) -> Health | None:
        with self._changed:
            return self._health.get((target_group_arn, target_id, port))

    def set_console(self, instance_id: str, text: str) -> None:
        with self._changed:
            self._consoles[instance_id] = text

    def console(self, instance_id: str) -> str:
        with self._changed:
            return self._consoles.get(instance_id, "")

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until condition() is true, checking at every change. False after `timeout` seconds.

        condition must not take locks that callers of set_…() hold.
        """
        with self._changed:
            return self._changed.wait_for(condition, timeout)
