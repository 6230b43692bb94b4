"""SIGKILL at some point of a cold run and of a teardown: the same command run again ends as if nothing had happened."""

from __future__ import annotations

import pytest

from tests.whole.conftest import Deployment
from tests.whole.kill import Kill, delete_killed, deploy_killed


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_killed_run_converges_and_a_killed_teardown_leaves_nothing(apart: Deployment, kills: list[Kill]) -> None:
    made_by, *others = kills
    delete_killed(apart.cloud, apart.before, made_by)
    for kill in others:
        deploy_killed(apart.cloud, apart.before, kill)
        delete_killed(apart.cloud, apart.before, kill)
