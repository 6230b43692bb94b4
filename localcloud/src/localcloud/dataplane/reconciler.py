"""Reads the topology after each change and hands it to the data plane's parts, in order."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from ..contract.topology import Topology

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
SLOW_SECONDS = 0.5


class TopologyReader(Protocol):
    def read(self) -> Topology: ...


class Part(Protocol):
    """A part of the data plane. reconcile() is idempotent and quick; slow work has its own threads."""

    def reconcile(self, topology: Topology) -> None: ...

    def close(self) -> None: ...


class Reconciler:
    """One thread. Changes during a round are combined in the next one. Errors never end it."""

    def __init__(self, reader: TopologyReader, parts: Sequence[Part]) -> None:
        self._reader = reader
        self._parts = parts
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._logged: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Start a round soon. Returns at once."""
        self._woken.set()

    def close(self) -> None:
        """Stop the thread, then close the parts in reverse order."""
        self._closing.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()
        for part in reversed(self._parts):
            try:
                part.close()
            except Exception:
                log.exception("closing %s", type(part).__name__)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._woken.clear()
            self._round()
            self._woken.wait(POLL_SECONDS)

    def _round(self) -> None:
        try:
            topology = self._reader.read()
        except Exception as error:
            self._log_once("Reader", error)
            return
        spent: dict[str, float] = {}
        for part in self._parts:
            name, began = type(part).__name__, time.monotonic()
            try:
                part.reconcile(topology)
                self._logged.pop(name, None)
            except Exception as error:
                self._log_once(name, error)
            spent[name] = time.monotonic() - began
        total = sum(spent.values())
        text = ", ".join(f"{name} {seconds * 1000:.0f}" for name, seconds in spent.items() if seconds >= 0.001)
        log.log(logging.INFO if total > SLOW_SECONDS else logging.DEBUG, "round %.0f ms: %s", total * 1000, text)

    def _log_once(self, name: str, error: Exception) -> None:
        """Log an error with its trace, but not again while it stays the same."""
        if self._logged.get(name) != str(error):
            log.error("%s: %s", name, error, exc_info=error)
            self._logged[name] = str(error)
