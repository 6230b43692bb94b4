"""States over time: how long AWS takes for what moto does at once.

A resource leaves a transitional state (pending, creating, provisioning …) when its duration is over *and* the data plane
has made it real. `states/` applies this to moto's models.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.contract.reality import Reality

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Duration:
    """Seconds: on AWS, and the minimum in the quick default (if the resource takes longer, so does the state)."""

    aws: float
    quick: float


DURATIONS = {
    "instance pending": Duration(30, 1),
    "instance status checks": Duration(120, 2),
    "instance stopping": Duration(30, 1),
    "instance shutting-down": Duration(40, 1),
    "nat gateway pending": Duration(90, 1),
    "nat gateway deleting": Duration(60, 1),
    "nat gateway address released": Duration(15, 1),
    "load balancer provisioning": Duration(150, 1),
    "load balancer interfaces released": Duration(60, 1),
    "target registration": Duration(10, 1),
    "database creating": Duration(420, 2),
    "database change noticed": Duration(45, 1),
    "database modifying": Duration(60, 1),
    "database resetting-master-credentials": Duration(60, 1),
    "database rebooting": Duration(30, 1),
    "database stopping": Duration(120, 1),
    "database starting": Duration(180, 1),
    "database deleting": Duration(240, 1),
    "snapshot creating": Duration(60, 1),
}
POLL_SECONDS = 0.1


class Lifecycle:
    """The clock of one cloud. factor: for AWS's durations; None for the quick default. reality: None without a data plane."""

    def __init__(self, factor: float | None, reality: Reality | None) -> None:
        self._factor = factor
        self._reality = reality
        # Code and message by instance ID, of launches that were made to fail.
        self.launch_errors: dict[str, tuple[str, str]] = {}
        self._due: list[tuple[float, int, Callable[[], bool], Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    @property
    def is_quick(self) -> bool:
        return self._factor is None

    def seconds(self, phase: str) -> float:
        duration = DURATIONS[phase]
        return duration.quick if self._factor is None else duration.aws * self._factor

    def over(self, phase: str, since: float) -> bool:
        """Whether the duration of a phase that began at `since` (time.monotonic) is over."""
        return time.monotonic() - since >= self.seconds(phase)

    def is_real(self, resource: str) -> bool:
        return self._reality is None or self._reality.ready(resource)

    def is_gone(self, resource: str) -> bool:
        """Whether the data plane has removed it. A host that shut itself down still has to be noticed."""
        return self._reality is None or not (self._reality.ready(resource) or self._reality.powered_off(resource))

    def failure(self, resource: str) -> str | None:
        return self._reality.failure(resource) if self._reality else None

    @property
    def reality(self) -> Reality | None:
        return self._reality

    # -- scheduled actions --------------------------------------------------------------------------------
    def schedule(self, phase: str, action: Callable[[], None], when: Callable[[], bool] = lambda: True) -> None:
        """Run action once the phase is over and when() is true."""
        with self._changed:
            due = time.monotonic() + self.seconds(phase)
            heapq.heappush(self._due, (due, next(self._numbers), when, action))
            self._changed.notify()

    def run(self, lock: Any, poll: Callable[[], bool], on_change: Callable[[], None], ended: threading.Event) -> None:
        """Run due actions until `ended` is set. Needs its own thread.

        poll: called at least once a second; returns whether it changed anything. It and the actions run under `lock`;
        on_change is called after each change.
        """
        while not ended.is_set():
            with lock:
                changed = poll()
            if changed:
                on_change()
            with self._changed:
                wait = self._due[0][0] - time.monotonic() if self._due else 1.0
                if wait > 0:
                    self._changed.wait(min(wait, 1.0))
                    continue
                _, number, when, action = heapq.heappop(self._due)
            try:
                with lock:
                    done = when()
                    if done:
                        action()
                if done:
                    on_change()
                    continue
            except Exception:
                log.exception("a scheduled action failed")
                continue
            with self._changed:
                heapq.heappush(self._due, (time.monotonic() + POLL_SECONDS, number, when, action))


_current = Lifecycle(None, None)


def current() -> Lifecycle:
    """The lifecycle that moto's models use: there is one Api per process."""
    return _current


def use(lifecycle: Lifecycle) -> None:
    global _current  # global, because moto's models are
    _current = lifecycle
