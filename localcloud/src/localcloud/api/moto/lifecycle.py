"""States over time: how long AWS takes for what moto does at once.

A resource leaves a passing state (pending, creating, provisioning …) when its duration is over *and* the data plane has
made it real. The views on moto's models that ask here are in `states/`.
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
    """Seconds: AWS's own, and the least in the quick default (what takes longer really is waited for)."""

    aws: float
    quick: float


DURATIONS = {
    "instance pending": Duration(30, 1),
    "instance status checks": Duration(120, 2),
    "instance stopping": Duration(30, 1),
    "instance shutting-down": Duration(40, 1),
    "nat gateway pending": Duration(90, 1),
    "nat gateway deleting": Duration(60, 1),
    "load balancer provisioning": Duration(150, 1),
    "load balancer interfaces released": Duration(60, 1),
    "target registration": Duration(10, 1),
    "database creating": Duration(420, 2),
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
    """The clock of one cloud.

    factor: on AWS's own durations; None for the quick default. reality: None where there is no data plane.
    """

    def __init__(self, factor: float | None, reality: Reality | None) -> None:
        self._factor = factor
        self._reality = reality
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
        """Whether the phase that began at `since` (time.monotonic) has lasted its time."""
        return time.monotonic() - since >= self.seconds(phase)

    def is_real(self, resource: str) -> bool:
        return self._reality is None or self._reality.ready(resource)

    def is_gone(self, resource: str) -> bool:
        """Whether the data plane is done with ending it (a host that switched itself off it has still to take note of)."""
        return self._reality is None or not (self._reality.ready(resource) or self._reality.powered_off(resource))

    def failure(self, resource: str) -> str | None:
        return self._reality.failure(resource) if self._reality else None

    @property
    def reality(self) -> Reality | None:
        return self._reality

    # -- what happens later -------------------------------------------------------------------------------
    def schedule(self, phase: str, action: Callable[[], None], when: Callable[[], bool] = lambda: True) -> None:
        """Do action once the phase has lasted its time and when() is true."""
        with self._changed:
            due = time.monotonic() + self.seconds(phase)
            heapq.heappush(self._due, (due, next(self._numbers), when, action))
            self._changed.notify()

    def run(self, lock: Any, poll: Callable[[], bool], on_change: Callable[[], None], ended: threading.Event) -> None:
        """Do what is due, until `ended`. For a thread of its own.

        look: called at least once a second; says whether it changed anything. It and the actions run under `lock`;
        on_change is called after each that changed something.
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
                log.exception("an action of the lifecycle failed")
                continue
            with self._changed:
                heapq.heappush(self._due, (time.monotonic() + POLL_SECONDS, number, when, action))


_current = Lifecycle(None, None)


def current() -> Lifecycle:
    """The lifecycle that moto's models ask: there is one Api a process."""
    return _current


def use(lifecycle: Lifecycle) -> None:
    global _current  # moto keeps its models in the process: so does the clock they look at
    _current = lifecycle
