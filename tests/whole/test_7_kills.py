"""SIGKILL at some point of a cold run and of a teardown: the same command run again ends as if nothing had happened."""

from __future__ import annotations

import pytest

from tests.whole.conftest import Deployment, shape
from tests.whole.kill import points, run_and_kill

TEARDOWN = ("playbooks/teardown.yml", "-e", "confirm=tandem-apart", "-e", "teardown_final_snapshot=false")


@pytest.mark.timeout(7200)
def test_a_killed_run_converges_and_a_killed_teardown_leaves_nothing(
    apart: Deployment, seed: str, torture: bool
) -> None:
    cloud = apart.cloud
    cloud.playbook(*TEARDOWN).must_succeed()
    for share, teardown_share in zip(points(seed, "site", torture), points(seed, "teardown", torture), strict=True):
        print(f"site.yml killed at {share:.0%}", end="", flush=True)
        run_and_kill(cloud, apart.cold.seconds * share, "site.yml")
        again = cloud.playbook("site.yml").must_succeed()
        print(f", converged in {again.seconds:.0f} s", end="; ", flush=True)
        assert shape(cloud.listing() - apart.before) == apart.shape

        print(f"teardown killed at {teardown_share:.0%}", end="", flush=True)
        was_running = run_and_kill(cloud, 15 * teardown_share, *TEARDOWN)
        again = cloud.playbook(*TEARDOWN).must_succeed()
        print(f" ({'running' if was_running else 'done'}), nothing left after {again.seconds:.0f} s", flush=True)
        assert cloud.listing() == apart.before
