"""Which tests stay together on one worker, in their order. xdist's own groups (loadgroup) do nothing under pytest 9."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xdist.scheduler import LoadScopeScheduling


class Spread(LoadScopeScheduling):
    """group: the name of a test's group, by the test's node ID."""

    def __init__(self, config: Any, log: Any, group: Callable[[str], str]) -> None:
        super().__init__(config, log)
        self._group = group

    def _split_scope(self, nodeid: str) -> str:
        return self._group(nodeid)
