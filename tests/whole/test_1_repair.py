"""What machines and people break, site.yml brings back: exactly that, and the verification is green after."""

from __future__ import annotations

import pytest

from tests.whole.conftest import Deployment

pytestmark = pytest.mark.timeout(4000)


@pytest.mark.long
def test_site_yml_brings_back_exactly_what_is_missing(deployment: Deployment, seed: str, torture: bool) -> None:
    sample = () if torture else ("--sample", "1")
    deployment.must_pass("tests.releases.repair", "--seed", seed, *sample, minutes=60 if torture else 15)


@pytest.mark.long
def test_lost_parameters_come_back_and_no_request_is_lost(deployment: Deployment, torture: bool) -> None:
    some = () if torture else ("--only", "all together")
    deployment.must_pass("tests.releases.lost", *some, minutes=60 if torture else 15)
