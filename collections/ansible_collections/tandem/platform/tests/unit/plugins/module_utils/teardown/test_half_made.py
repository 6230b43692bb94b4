"""Teardown of what was made half, and by runs that end anywhere: the same again leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.testing import Endpoint
from tests.support.sample import of_the_day

from .gone import Pass, environment, stack, tear_down

STEPS = range(1, 21)
SAMPLE = 6


@pytest.mark.parametrize("steps", of_the_day(STEPS, SAMPLE))
def test_a_half_made_environment_goes_whole(endpoint: Endpoint, account: Callable[[], set[str]], steps: int) -> None:
    before = account()
    making = stack(endpoint).build()
    for _dummy in range(steps):
        next(making)
    assert account() > before
    tear_down(endpoint)
    assert account() == before


def test_a_teardown_that_is_stopped_anywhere_can_be_run_again(
    endpoint: Endpoint, account: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every delete call is the last one of some run."""
    before = account()
    stack(endpoint).make()
    original = Pass._delete_one

    class Killed(BaseException):
        pass

    def delete_one_and_die(self: Any, *arguments: Any) -> None:
        original(self, *arguments)
        if self.deleted:
            raise Killed

    runs = 0
    monkeypatch.setattr(Pass, "_delete_one", delete_one_and_die)
    while True:
        runs += 1
        try:
            Pass(environment(endpoint), True).run(60)
        except Killed:
            continue
        break
    assert account() == before
    assert runs > 30, "hardly anything was deleted"
