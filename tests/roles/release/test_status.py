"""What `make status` shows, and what it says differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .rehearsal import Rehearsal, say

WANTED = {"aws_instance_id": "i-1", "release_plan": "none"}
RUNNING = {
    "up": True, "release": 3, "version": "1.2", "config": "", "image": "sha256:0123456789abcdef",
    "health": "healthy", "started": "2026-11-26T10:00:00.0Z",
}  # fmt: skip
STATE = {
    "targets": {tier: {"i-1": {"state": "healthy"}} for tier in ("backend", "frontend")},
    "database": {"status": "available", "host": "database.example", "port": 5432},
    "current": 3, "previous": 2, "lock": {}, "releases": [{"number": 3}], "lost": [], "taken": [], "malformed": [],
}  # fmt: skip


def shown(folder: Path, counts: dict[str, int], **backend: Any) -> str:
    """The status of one frontend as wanted and one backend."""
    hosts = {
        "frontend-1": {**WANTED, "release_running": RUNNING},
        "backend-1": {**WANTED, "release_running": RUNNING, **backend},
    }
    rehearsal = Rehearsal(folder, {}, hosts, {"release_state": STATE, "release_counts": counts, "name_prefix": "t"})
    done = rehearsal.play(("localhost", ["show_status"]))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_fleet_as_wanted(tmp_path: Path) -> None:
    text = shown(tmp_path, {"frontend": 1, "backend": 1})
    assert "0123456789ab " in text
    assert "database.example:5432" in text
    assert "<- differs" not in text
    assert "! " not in text


@pytest.mark.parametrize("plan", ["replace", "admit"])
def test_a_host_that_a_deployment_would_change(tmp_path: Path, plan: str) -> None:
    text = shown(tmp_path, {"frontend": 1, "backend": 1}, release_plan=plan)
    assert text.count("<- differs") == 1
    assert "! not as wanted: backend-1." in text


def test_a_host_without_a_container(tmp_path: Path) -> None:
    gone = {"up": False, "release": 0, "version": "", "config": "", "image": "", "health": "", "started": ""}
    text = shown(tmp_path, {"frontend": 1, "backend": 1}, release_plan="replace", release_running=gone)
    assert "! not as wanted: backend-1." in text


def test_too_few_hosts_and_too_many(tmp_path: Path) -> None:
    text = shown(tmp_path, {"frontend": 2, "backend": 0})
    assert "! 1 frontends, wanted 2." in text
    assert "! 1 backends, wanted 0." in text


def test_what_a_look_at_a_host_leads_to(tmp_path: Path) -> None:
    """A container that is stopped is not as wanted, whatever its settings."""
    running = {**RUNNING, "up": False}
    variables = {
        "release_state": STATE, "release_settings": {}, "name_prefix": "t", "parameter_path": "/t", "images_names": {},
        "release__config": "",
    }  # fmt: skip
    hosts = {"backend-1": {"aws_instance_id": "i-1"}}
    rehearsal = Rehearsal(tmp_path, {"look": say("look", release_running=running)}, hosts, variables)
    done = rehearsal.play(("backend-1", ["look", "plan"]), shows="{{ release_plan }}")
    assert "SHOWN: replace" in done.stdout, done.stdout + done.stderr
