"""The reconciler: order, combined changes, and errors that do not end it."""

from __future__ import annotations

import threading

from localcloud.contract.topology import Topology
from localcloud.dataplane.reconciler import Reconciler


class Reader:
    def __init__(self) -> None:
        self.reads = 0
        self.broken = False

    def read(self) -> Topology:
        self.reads += 1
        if self.broken:
            raise RuntimeError("moto is in the middle of something")
        return Topology()


class Part:
    """Records its calls; fails while broken."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self.name, self.calls = name, calls
        self.broken = False
        self.called = threading.Semaphore(0)
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def reconcile(self, topology: Topology) -> None:
        self.calls.append(self.name)
        self.called.release()
        self.may_go_on.wait(10)
        if self.broken:
            raise RuntimeError(f"{self.name} fails")

    def close(self) -> None:
        self.calls.append(f"close {self.name}")


def made() -> tuple[Reconciler, Reader, Part, Part, list[str]]:
    calls: list[str] = []
    reader, first, second = Reader(), Part("first", calls), Part("second", calls)
    return Reconciler(reader, [first, second]), reader, first, second, calls


def test_parts_run_in_order_and_close_in_reverse() -> None:
    reconciler, _, _, second, calls = made()
    reconciler.start()
    assert second.called.acquire(timeout=5)
    reconciler.close()
    assert calls[:2] == ["first", "second"]
    assert calls[-2:] == ["close second", "close first"]


def test_changes_during_a_round_are_combined() -> None:
    reconciler, reader, first, second, _ = made()
    first.may_go_on.clear()
    reconciler.start()
    assert first.called.acquire(timeout=5)
    for _ in range(50):
        reconciler.wake()
    first.may_go_on.set()
    assert second.called.acquire(timeout=5)
    assert second.called.acquire(timeout=5)
    reads = reader.reads
    reconciler.close()
    assert reads <= 3


def test_a_part_that_fails_stops_neither_the_others_nor_the_next_round() -> None:
    reconciler, _, first, second, _ = made()
    first.broken = True
    reconciler.start()
    for _ in range(3):
        assert second.called.acquire(timeout=5)
        reconciler.wake()
    reconciler.close()


def test_a_reader_that_fails_is_asked_again() -> None:
    reconciler, reader, first, _, _ = made()
    reader.broken = True
    reconciler.start()
    assert not first.called.acquire(timeout=0.2)
    reader.broken = False
    reconciler.wake()
    assert first.called.acquire(timeout=5)
    reconciler.close()
