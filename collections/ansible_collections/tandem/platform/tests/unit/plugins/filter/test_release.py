"""Releases between Ansible's facts and module_utils/release."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.filter.release import release_outcome, release_seen

CONTAINER = {
    "Image": "sha256:1",
    "Config": {"Labels": {"release": "3", "version": "1.2\x1b[2J", "config": "abc"}},
    "State": {"Running": True, "Status": "running", "Health": {"Status": "starting"}, "StartedAt": "2026"},
}


def seen(container: dict[str, Any] | None) -> dict[str, Any]:
    return release_seen([{"exists": container is not None, "container": container}], [], [])["running"]


def test_what_a_host_runs() -> None:
    running = seen(CONTAINER)
    assert (running["up"], running["release"], running["config"], running["image"]) == (True, 3, "abc", "sha256:1")
    assert running["version"] == "1.2 [2J"
    assert (running["health"], running["started"]) == ("starting", "2026")
    stopped = CONTAINER | {"State": {"Running": False, "Status": "exited", "Health": {"Status": "healthy"}}}
    assert seen(stopped)["health"] == "exited"


@pytest.mark.parametrize(
    "container", [None, {}, {"Config": {"Labels": None}}, {"Config": {"Labels": {"release": "x"}}}]
)
def test_a_host_that_runs_nothing_of_ours(container: dict[str, Any] | None) -> None:
    running = seen(container)
    assert (running["up"], running["release"], running["version"]) == (False, 0, "")


def test_a_container_beside_it() -> None:
    looks = [{"exists": True, "container": CONTAINER}, {"exists": True, "container": CONTAINER}]
    assert release_seen(looks, [], [])["second"]
    assert not release_seen(looks[:1], [], [])["second"]
    assert not release_seen([{"msg": "with --check there may be no Docker"}], [], [])["second"]


FAILURE = {"host": "backend-1", "step": "Start", "reason": "no licence", "state": "", "answer": "", "logs": []}


@pytest.mark.parametrize(
    ("facts", "kind", "result"),
    [
        ({}, "new", "deployed"),
        ({"release_failure": FAILURE}, "new", "rolled back"),
        ({"release_failure": FAILURE}, "resume", "rolled back"),
        ({"release_failure": FAILURE}, "repair", "failed"),
        ({"release_failure": FAILURE, "release_lost": "Reach the host"}, "new", "failed"),
    ],
)
def test_how_a_run_ended(facts: dict[str, Any], kind: str, result: str) -> None:
    found = release_outcome(["backend-1"], {"backend-1": facts}, {"msg": "AWS is away"}, {"kind": kind}, 5)
    assert (found["result"], found["reason"]) == (result, "no licence" if facts else "")
    assert f"release 5: {result}" in found["text"]
