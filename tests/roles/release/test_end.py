"""How a run ends: what went wrong has the last word and the lock is freed, whatever becomes of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .rehearsal import Played, Rehearsal, fail, say

RUNNING = {"up": True, "release": 4, "version": "1.0.4", "config": "", "image": ""}
SEEN = {"running": RUNNING, "second": False, "kept": [], "images": []}
FAILURE = {"host": "backend-1", "step": "Start", "reason": "no licence", "state": "", "answer": "", "logs": []}
GOOD = {"release_seen": SEEN, "aws_instance_id": "i-1"}
BAD = GOOD | {"release_failure": FAILURE}
STATE = {
    "releases": [],
    "lock": {},
    "targets": {"backend": {"i-1": {"state": "healthy"}}},
    "current": 4,
    "lineages": {},
}
PLAN = {
    "action": "deploy", "kind": "new", "fallback": 4, "good": [4], "lineage": [4],
    "hosts": {"backend-1": {"do": "replace", "spec": {}}},
}  # fmt: skip
VARIABLES = {
    "project": "tandem", "release_state": STATE, "release_number": 5, "release_record_number": 5, "release_plan": PLAN,
    "images_names": {"backend": "tandem/backend:1"}, "parameter_path": "/test", "common_tags": {}, "health_path": "/readyz",
}  # fmt: skip
WRITES = "end(changed=True)\n"
FAILS = "end(failed=True, msg='AWS is away')\n"


def conclude(folder: Path, host: dict[str, Any], record: str = WRITES, **stubs: Any) -> Played:
    stubs = {"read": say("read"), "free": say("freed on")} | stubs
    return Rehearsal(folder, stubs, {"backend-1": host}, VARIABLES, {"release_record": record}).play(
        ("localhost", ["conclude"])
    )


def test_a_good_release(tmp_path: Path) -> None:
    played = conclude(tmp_path, GOOD)
    assert played.returncode == 0, played.stdout
    assert "freed on localhost" in played.stdout


@pytest.mark.parametrize(
    "broken",
    [{}, {"record": FAILS}, {"read": fail("AWS is away")}, {"free": fail("AWS is away")}],
    ids=["nothing else", "the record", "the look", "the lock"],
)
def test_a_failed_release_says_what_went_wrong_whatever_else_fails(tmp_path: Path, broken: dict[str, Any]) -> None:
    played = conclude(tmp_path, BAD, **broken)
    assert played.returncode != 0
    assert "backend-1: Start: no licence" in played.stdout, played.stdout
    assert "release 5: rolled back" in played.stdout
    assert "release 4 (1.0.4); load balancer: healthy" in " ".join(played.stdout.split())
    assert ("freed on localhost" in played.stdout) is ("free" not in broken)


def test_the_lock_is_freed_where_a_good_release_cannot_be_recorded(tmp_path: Path) -> None:
    played = conclude(tmp_path, GOOD, record=FAILS)
    assert played.returncode != 0
    assert "freed on localhost" in played.stdout


def test_a_host_out_of_sight_claims_nothing(tmp_path: Path) -> None:
    """It is not restored, and looking at it once more does not end the run."""
    stubs = {"reach": fail("no answer"), "look": fail("no answer"), "read": say("read"), "free": []}
    played = Rehearsal(tmp_path, stubs, {"backend-1": BAD}, VARIABLES, {"release_record": WRITES}).play(
        ("backend", ["restore"]), ("localhost", ["conclude"])
    )
    said = " ".join(played.stdout.split())
    assert "out of sight; load balancer: healthy; NOT RESTORED: Fail: no answer" in said, played.stdout


def test_a_host_that_cannot_be_tidied_up_does_not_spoil_a_good_release(tmp_path: Path) -> None:
    played = Rehearsal(tmp_path, {}, {"backend-1": GOOD}, VARIABLES, {"release_prune": FAILS}).play(
        ("backend", ["prune"])
    )
    assert played.returncode == 0, played.stdout
    assert "Warning: old releases are left on backend-1" in played.stdout
    assert "AWS is away" in played.stdout


SURGE = {
    "release_surge": True, "release_surge_port": 5011, "release_port": 5001, "release_target": "i-1", "name_prefix": "tandem",
    "aws_environment": {}, "operator_python": "python3", "release__spec": {"name": "backend", "port": 5001},
}  # fmt: skip


@pytest.mark.parametrize(
    ("host", "steps"),
    [
        ({"release_seen": SEEN}, ["start", "start"]),
        ({"release_seen": SEEN | {"second": True}}, ["settle", "start", "start"]),
        ({"release_seen": SEEN | {"second": True}, "release_second_serves": True}, ["start"]),
    ],
    ids=["usual", "what a killed run has left leaves first", "a failed release's own serves on"],
)
def test_a_second_container_that_serves_is_not_replaced(tmp_path: Path, host: dict[str, Any], steps: list[str]) -> None:
    stubs = {"start": say("step: start on"), "settle": say("step: settle on")}
    played = Rehearsal(tmp_path, stubs, {"backend-1": host}, VARIABLES | SURGE, {"release_target": WRITES}).play(
        ("backend", ["replace"])
    )
    assert played.returncode == 0, played.stdout + played.stderr
    said = [line.split()[1] for line in played.stdout.splitlines() if line.strip().startswith("step:")]
    assert said == steps, played.stdout
