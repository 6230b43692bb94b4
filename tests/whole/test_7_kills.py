"""SIGKILL at some point of a cold run and of a teardown: the same command run again ends as if nothing had happened."""

from __future__ import annotations

import pytest

from tests.support.cloud import Cloud
from tests.whole.kill import Kill, delete_killed, deploy_killed


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_killed_run_converges_and_a_killed_teardown_leaves_nothing(apart: Cloud, kills: list[Kill]) -> None:
    before = apart.listing()
    for kill in kills:
        deploy_killed(apart, before, kill)
        delete_killed(apart, before, kill)
