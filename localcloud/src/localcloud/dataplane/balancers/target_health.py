"""Target health as AWS reports it: states, reason codes and descriptions."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from localcloud.contract.reality import Health, Reality

from .haproxy import ServerState

Key = tuple[str, str, int]  # target group's ARN, target's id, port

REGISTERING = Health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = Health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
HEALTHY = Health("healthy")
DRAINING = Health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
STOPPED = Health("unused", "Target.InvalidState", "Target is in the stopped state")
NOT_IN_USE = Health(
    "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)
OTHER_ZONE = Health(
    "unused", "Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer"
)
TIMED_OUT = Health("unhealthy", "Target.Timeout", "Request timed out")
FAILED = Health("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
# HAProxy's names for check results.
TIMEOUTS = ("L4TOUT", "L6TOUT", "L7TOUT")
WRONG_CODE = "L7STS"
SUCCESSES = ("L7OK", "L7OKC")


def failure(state: ServerState) -> Health | None:
    """Why the last check failed, or None if it succeeded or there is no result yet."""
    if state.check in ("", "INI", "CHECKED", "UNK", *SUCCESSES):
        return None
    if state.check == WRONG_CODE:
        text = f"Health checks failed with these codes: [{state.code}]"
        return Health("unhealthy", "Target.ResponseCodeMismatch", text)
    return TIMED_OUT if state.check in TIMEOUTS else FAILED


class HealthBoard:
    """Publishes target health to Reality. Each target has one author: a load balancer's ARN, or None if unused."""

    def __init__(self, reality: Reality) -> None:
        self._reality = reality
        self._lock = threading.Lock()
        self._authors: dict[Key, str | None] = {}
        self._published: dict[Key, Health] = {}

    def assign(self, authors: Mapping[Key, str | None]) -> None:
        """Set the registered targets and their authors."""
        with self._lock:
            for key in self._authors.keys() - authors.keys():
                self._published.pop(key, None)
                self._reality.forget_health(*key)
            before, self._authors = self._authors, dict(authors)
            for key, author in authors.items():
                if author is None:
                    self._publish(key, NOT_IN_USE)
                elif before.get(key) != author:
                    self._publish(key, REGISTERING)

    def publish(self, author: str, key: Key, health: Health) -> None:
        """Publish a target's health; ignored unless the author still owns the target."""
        with self._lock:
            if self._authors.get(key) == author:
                self._publish(key, health)

    def _publish(self, key: Key, health: Health) -> None:
        if self._published.get(key) != health:
            self._published[key] = health
            self._reality.set_health(*key, health)
