"""How many targets serve while a release is rolled out, as the load balancers say."""

from __future__ import annotations

import threading
from types import TracebackType

from .fleet import TIERS, Fleet

LOOK_SECONDS = 0.5


class Capacity:
    """While it is open, looks at both tiers. least: the fewest healthy targets that were seen of each."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.least = {tier: fleet.healthy_targets(tier) for tier in TIERS}
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        try:
            while not self._stop.wait(LOOK_SECONDS):
                for tier in TIERS:
                    self.least[tier] = min(self.least[tier], self._fleet.healthy_targets(tier))
        except Exception as error:  # who looks away must not say that nothing was lost
            self._error = error

    def __enter__(self) -> Capacity:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(10)
        if self._error and not error:
            raise self._error

    def text(self) -> str:
        return "at least " + " and ".join(f"{number} healthy {tier}s" for tier, number in self.least.items())
