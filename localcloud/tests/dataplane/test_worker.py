"""A worker reports failures that last, not single ones."""

from __future__ import annotations

import threading

import pytest

from localcloud.dataplane import worker
from localcloud.dataplane.worker import Worker


class Clumsy(Worker[int]):
    """Fails as many times as its plan says, then works."""

    def __init__(self) -> None:
        super().__init__("clumsy", 0.001)
        self.attempts = 0
        self.worked = threading.Event()
        self.given_up = threading.Event()

    def step(self, plan: int) -> None:
        self.attempts += 1
        if self.attempts <= plan:
            raise RuntimeError("not yet")
        self.worked.set()

    def failed(self, reason: str) -> None:
        assert reason == "not yet"
        self.given_up.set()

    def remove(self) -> None:
        pass


@pytest.mark.parametrize(("grace", "failures", "gives_up"), [(0.0, 2, False), (0.0, 3, True), (60.0, 5, False)])
def test_it_gives_up_after_some_attempts_and_some_time(
    monkeypatch: pytest.MonkeyPatch, grace: float, failures: int, gives_up: bool
) -> None:
    monkeypatch.setattr(worker, "GRACE_SECONDS", grace)
    made = Clumsy()
    made.want(failures)
    assert made.worked.wait(20)
    made.close()
    assert made.given_up.is_set() is gives_up
