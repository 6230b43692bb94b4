"""What operators read: the table of releases, the state of the fleet, the end of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.module_utils.release.plan import History, Host
from ansible_collections.tandem.platform.plugins.module_utils.release.text import ending, releases, status

RUNNING = {
    "up": True, "release": 3, "version": "1.2", "config": "wanted", "image": "sha256:0123456789abcdef",
    "health": "healthy", "started": "2026-11-26T10:00:00.0Z",
}  # fmt: skip
RECORD = {
    "number": 3, "release": 3, "action": "deploy", "result": "deployed", "version": "1.2", "who": "me@here",
    "started": "2026-11-26T10:00:00+00:00", "finished": "2026-11-26T10:01:05+00:00", "images": {"frontend": "tandem/f:1"},
}  # fmt: skip
HISTORY = History(
    releases=[RECORD],
    current=3,
    previous=2,
    targets={tier: {"i-1": {"state": "healthy"}} for tier in ("backend", "frontend")},
)
DATABASE = {"status": "available", "host": "database.example", "port": 5432}
FLEET = [Host(f"{tier}-1", tier, RUNNING, target="i-1", config="wanted") for tier in ("backend", "frontend")]
ONE_EACH = {"frontend": 1, "backend": 1}


def shown(counts: dict[str, int], **backend: Any) -> str:
    """The status of one frontend as wanted and one backend."""
    return status([replace(FLEET[0], **backend), FLEET[1]], HISTORY, [], DATABASE, counts)


def test_a_fleet_as_wanted() -> None:
    text = shown(ONE_EACH)
    assert "0123456789ab " in text
    assert "database.example:5432" in text
    assert "release      3 (before it: 2)" in text
    assert "<- differs" not in text
    assert "! " not in text


@pytest.mark.parametrize(
    "backend",
    [
        {"config": "other"},
        {"second": True},
        {"running": {**RUNNING, "up": False}},
        {"running": dict.fromkeys(RUNNING, "") | {"up": False, "release": 0}},
    ],
)
def test_a_host_that_a_deployment_would_change(backend: dict[str, Any]) -> None:
    text = shown(ONE_EACH, **backend)
    assert text.count("<- differs") == 1
    assert "! not as wanted: backend-1." in text


def test_what_else_is_said_of_a_fleet() -> None:
    text = shown({"frontend": 2, "backend": 0}, running=None)
    assert "backend-1    cannot be reached target: healthy" in text
    assert "! 1 frontends, wanted 2." in text
    assert "! 1 backends, wanted 0." in text
    other = replace(FLEET[0], name="backend-2", running={**RUNNING, "image": "sha256:2"})
    assert "! the backends do not all run the same image" in status([*FLEET, other], HISTORY, [], {}, ONE_EACH)
    locked = replace(HISTORY, lock={"who": "me", "since": "now", "purpose": "a test"}, lost=[2])
    text = status([], locked, [{"words": "a stranger's"}], {}, ONE_EACH)
    for said in (
        "No host yet.",
        "database     none",
        "locked by    me since now: a test",
        "! a stranger's",
        "releases 2.",
    ):
        assert said in text


def test_the_table_of_releases() -> None:
    older = RECORD | {"number": 1, "release": 1, "version": "1.0-a-long-one", "rebuilt": True, "started": ""}
    gone_back = RECORD | {
        "number": 4,
        "release": 1,
        "action": "rollback",
        "result": "failed",
        "reason": "line\n" + "x" * 200,
    }
    lines = releases(replace(HISTORY, releases=[older, RECORD, gone_back]), []).splitlines()
    assert lines[0].split() == ["number", "what", "version", "result", "started", "(UTC)", "took", "by", "images"]
    assert lines[1].split()[:4] == ["4", "back", "to", "1"]
    assert lines[2].strip().startswith("line x")
    assert lines[2].endswith("...")
    assert lines[3].split() == [
        "3*",
        "deploy",
        "1.2",
        "deployed",
        "2026-11-26",
        "10:00:00",
        "65",
        "s",
        "me@here",
        "f:1",
    ]
    assert "me@here (rebuilt)" in lines[4]
    assert lines[5] == "* what the fleet should run."
    assert "No release yet." in releases(History(), [])


FAILURE = {
    "host": "backend-1", "step": "Start", "reason": "no licence", "state": "running", "answer": "/readyz: 503", "logs": ["a"],
}  # fmt: skip


def test_the_end_of_a_run_that_failed() -> None:
    lost = replace(FLEET[1], running=None)
    text = ending([FLEET[0], lost], HISTORY, [FAILURE], {"frontend-1": "Reach the host"}, "release 5: failed")
    assert text.splitlines() == [
        "backend-1: Start: no licence",
        "  container: running",
        "  /readyz: 503",
        "  | a",
        "The fleet now (release 5: failed):",
        "  backend-1      release 3 (1.2); load balancer: healthy",
        "  frontend-1     out of sight; load balancer: healthy; NOT RESTORED: Reach the host",
    ]


def test_the_end_of_a_run_where_the_state_cannot_be_read_again() -> None:
    down = replace(FLEET[0], running={**RUNNING, "up": False})
    assert "nothing runs; load balancer: unknown" in ending([down], None, [], {}, "release 5: failed")
    assert "load balancer: not registered" in ending([down], History(targets={"backend": {}}), [], {}, "")
