"""A second environment in the same account and with the same addresses, made while AWS throttles and loses answers."""

from __future__ import annotations

import random

import pytest

from tests.support.cloud import tail
from tests.whole.conftest import Deployment
from tests.whole.shape import SHAPE, shape

FAULTS = ("--throttle", "0.15", "--reset-after", "0.03")
TRIES = 6


@pytest.mark.long
def test_nothing_is_doubled_and_its_end_leaves_the_first_whole(deployment: Deployment, seed: str) -> None:
    cloud = deployment.cloud
    second = ("-e", "env_name=second")
    before = cloud.listing()
    cloud.localcloud("faults", "--clear", *FAULTS, "--seed", str(random.Random(seed).randrange(10**6)))
    try:
        for number in range(1, TRIES + 1):
            made = cloud.playbook("site.yml", *second)
            lost = sum(call["error"] is not None for call in made.calls)
            print(f"run {number}: status {made.status}, {made.seconds:.0f} s, {lost} of {len(made.calls)} calls failed")
            if made.status == 0:
                break
            print(tail(made.output, 12))
    finally:
        cloud.localcloud("faults", "--clear")
    made.must_succeed()
    assert lost > 0, "nothing failed, so nothing was shown"
    # Every run that got as far as a release left its record.
    assert {**shape(cloud.listing() - before), "Parameters": 0} == {**SHAPE, "Parameters": 0}
    again = cloud.playbook("site.yml", *second).must_succeed()
    assert again.mutating == []

    options = ("-e", "confirm=tandem-second", "-e", "teardown_final_snapshot=false")
    cloud.playbook("playbooks/teardown.yml", *second, *options).must_succeed()
    assert cloud.listing() == before
    cloud.playbook("playbooks/verify.yml").must_succeed()
