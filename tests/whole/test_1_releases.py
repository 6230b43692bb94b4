"""Releases under load: broken ones end as declared, a killed roll-out is finished by the same command, receipts."""

from __future__ import annotations

import pytest

from tests.whole.conftest import Deployment

pytestmark = pytest.mark.timeout(4000)
# Of the broken releases, and of the places at which a roll-out is killed. Requests a roll-out, at least.
SAMPLE = ("--sample", "1", "--requests", "2000")


@pytest.mark.long
def test_broken_releases_end_as_declared(deployment: Deployment, seed: str, torture: bool) -> None:
    deployment.must_pass(
        "tests.releases.gauntlet", "--seed", seed, *(() if torture else SAMPLE), minutes=60 if torture else 15
    )


@pytest.mark.long
def test_a_killed_roll_out_is_finished_by_the_same_command(deployment: Deployment, seed: str, torture: bool) -> None:
    deployment.must_pass(
        "tests.releases.kills", "--seed", seed, *(() if torture else SAMPLE), minutes=60 if torture else 15
    )


def test_no_request_is_lost(deployment: Deployment, torture: bool) -> None:
    if not torture:
        pytest.skip("receipts of whole roll-outs are part of make torture")
    deployment.must_pass("tests.releases.receipts", minutes=20)
