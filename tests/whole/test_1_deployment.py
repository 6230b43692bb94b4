"""A cold run, a second run, check mode, the answers of the applications, a sample of mutants."""

from __future__ import annotations

import json
import shutil
import urllib.request

import pytest

from tests.support.cloud import Cloud, tail
from tests.whole.conftest import Deployment
from tests.whole.shape import SHAPE, shape

SAMPLE_OF_MUTANTS = 1


def test_check_mode_on_an_empty_account_changes_nothing(cloud: Cloud, before: set[str]) -> None:
    run = cloud.playbook("site.yml", "--check").must_succeed()
    assert run.mutating == []
    assert cloud.listing() == before


def test_a_cold_run_deploys_and_verifies(deployment: Deployment) -> None:
    print(f"cold run: {deployment.run.seconds:.0f} s, {len(deployment.run.calls)} API calls")
    listing = deployment.cloud.listing()
    assert deployment.before < listing
    assert shape(listing - deployment.before) == SHAPE


def test_the_applications_answer_on_localhost_each_by_its_name(deployment: Deployment) -> None:
    port = deployment.cloud.environment["LOCALCLOUD_PORT"]

    def names(path: str) -> set[str]:
        answers = [urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=10) for _ in range(8)]
        return {json.load(answer)["name"] for answer in answers}

    assert names("/version") == {"frontend-1", "frontend-2"}
    assert names("/passthrough") == {"backend-1", "backend-2"}


def test_another_machine_reads_what_it_needs_from_the_account(deployment: Deployment) -> None:
    """Consoles show the hosts' keys for a while only. That the keys are right, the next run shows, which uses them."""
    cloud = deployment.cloud
    shutil.rmtree(cloud.state / "ssh")
    run = cloud.playbook("playbooks/access.yml").must_succeed()
    assert "GetConsoleOutput" not in {call["action"] for call in run.calls}
    assert run.mutating == []


def test_a_second_run_changes_nothing(deployment: Deployment) -> None:
    run = deployment.cloud.playbook("site.yml").must_succeed()
    print(f"second run: {run.seconds:.0f} s, {len(run.calls)} API calls")
    assert run.mutating == []
    assert run.changed == 0, tail(run.output)


def test_check_mode_on_a_running_deployment_changes_nothing(deployment: Deployment) -> None:
    run = deployment.cloud.playbook("site.yml", "--check").must_succeed()
    assert run.mutating == []


@pytest.mark.timeout(4000)
def test_verification_notices_mutants(deployment: Deployment, seed: str, torture: bool) -> None:
    sample = () if torture else ("--sample", str(SAMPLE_OF_MUTANTS))
    deployment.must_pass("tests.mutants", "--seed", seed, *sample, minutes=60 if torture else 10)
