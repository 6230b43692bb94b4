"""A thread that brings one resource to its plan and keeps it there until it is closed."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod

log = logging.getLogger(__name__)

# The API gives a failed resource up for good, so only report lasting failures: a network may still come up, a container
# may restart, or a busy machine may have been slow once.
GRACE_SECONDS = 15.0
GRACE_ATTEMPTS = 3
SLOWEST_SECONDS = 10.0


class Worker[Plan](ABC):
    """Each resource has its own worker, so that a slow one does not delay the others.

    step() is called when the plan changes, and every `interval` seconds; after failures, the pauses grow.
    """

    def __init__(self, name: str, interval: float) -> None:
        self.name = name
        self._interval = interval
        self._plan: Plan | None = None
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._logged = ""
        self._failures = 0
        self._failing_since = 0.0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def want(self, plan: Plan) -> None:
        """Follow this plan from now on. Returns at once."""
        if plan != self._plan:
            self._plan = plan
            self._woken.set()
        if not self._thread.is_alive() and not self._closing.is_set():
            self._thread.start()

    def close(self) -> None:
        """Stop the thread and remove the resource."""
        self.end()
        self.join()

    def end(self) -> None:
        """Like close(), but without waiting; join() waits."""
        self._closing.set()
        self._woken.set()

    def join(self) -> None:
        if self._thread.is_alive():
            self._thread.join()

    @property
    def ended(self) -> bool:
        return self._closing.is_set() and not self._thread.is_alive()

    @abstractmethod
    def step(self, plan: Plan) -> None:
        """Bring the resource closer to the plan. May raise anything; it is called again."""

    @abstractmethod
    def failed(self, reason: str) -> None:
        """step() kept failing for GRACE_SECONDS and GRACE_ATTEMPTS; reason: one line for the user."""

    @abstractmethod
    def remove(self) -> None:
        """Remove the resource completely."""

    def _run(self) -> None:
        while not self._closing.is_set():
            self._woken.clear()
            if self._plan is not None:
                self._try_step(self._plan)
            self._woken.wait(min(self._interval * 2**self._failures, SLOWEST_SECONDS))
        try:
            self.remove()
        except Exception:
            log.exception("%s: could not be removed", self.name)

    def _try_step(self, plan: Plan) -> None:
        try:
            self.step(plan)
        except Exception as error:
            self._record_failure(str(error).strip() or type(error).__name__)
        else:
            self._logged, self._failures = "", 0

    def _record_failure(self, reason: str) -> None:
        """Log a new failure, and report one that lasts."""
        now = time.monotonic()
        if self._failures == 0:
            self._failing_since = now
        self._failures = min(self._failures + 1, 10)
        if reason != self._logged:
            log.warning("%s: %s", self.name, reason, exc_info=log.isEnabledFor(logging.DEBUG))
            self._logged = reason
        if now - self._failing_since >= GRACE_SECONDS and self._failures >= GRACE_ATTEMPTS:
            self.failed(reason)
