"""Teardown: refuses without the name, leaves nothing of the environment and everything of others."""

from __future__ import annotations

import pytest

from tests.whole.conftest import Deployment

NO_SNAPSHOT = ("-e", "teardown_final_snapshot=false")


@pytest.mark.parametrize("options", [(), ("-e", "confirm=tandem-whole-2")])
def test_refuses_without_the_environments_name(deployment: Deployment, options: tuple[str, ...]) -> None:
    run = deployment.cloud.playbook("playbooks/teardown.yml", *options)
    assert run.status != 0
    assert "want tandem-whole" in run.output
    assert run.mutating == []


def test_check_mode_shows_and_deletes_nothing(deployment: Deployment) -> None:
    run = deployment.cloud.playbook("playbooks/teardown.yml", "--check").must_succeed()
    assert "frontend-1" in run.output
    assert run.mutating == []


def test_leaves_what_was_there_before_and_a_final_snapshot(deployment: Deployment) -> None:
    cloud = deployment.cloud
    run = cloud.playbook("playbooks/teardown.yml", "-e", f"confirm={cloud.prefix}").must_succeed()
    print(f"teardown: {run.seconds:.0f} s, {len(run.calls)} API calls")
    left = cloud.listing() - deployment.before
    assert deployment.before <= cloud.listing()
    assert [entry.startswith(f"rds:DBSnapshots:{cloud.prefix}-final-") for entry in left] == [True]


def test_again_finds_nothing(deployment: Deployment) -> None:
    run = deployment.cloud.playbook("playbooks/teardown.yml").must_succeed()
    assert run.mutating == []
    assert run.changed == 0


def test_deletes_snapshots_too_when_told_to(deployment: Deployment) -> None:
    cloud = deployment.cloud
    options = ("-e", f"confirm={cloud.prefix}", "-e", "teardown_delete_snapshots=true")
    cloud.playbook("playbooks/teardown.yml", *options).must_succeed()
    assert cloud.listing() == deployment.before
