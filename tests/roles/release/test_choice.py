"""What the role does by its plan: what a failed release does to a host, and that a lock is freed where what follows fails."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .rehearsal import Rehearsal, fail, say

STATE = {
    "releases": [], "current": 0, "previous": 0, "lineages": {}, "lock": {}, "lost": [], "taken": [], "malformed": [],
    "targets": {"backend": {}, "frontend": {}},
}  # fmt: skip
KEPT = {"release": 4, "config": "config-4", "image_id": "sha256:4"}


def seen(runs: int, *kept: dict[str, Any]) -> dict[str, Any]:
    """What look.yml notes of a host whose container is of release `runs`."""
    running = {"up": bool(runs), "release": runs, "version": "1", "config": f"config-{runs}"}
    return {"running": running, "second": False, "kept": list(kept), "images": []}


@pytest.mark.parametrize(
    ("host", "sick", "done"),
    [
        (seen(4, KEPT), False, ["admit"]),
        (seen(5, KEPT), False, ["replace 4", "admit"]),
        (seen(5), False, ["admit"]),
        (seen(5), True, ["remove"]),
        (seen(0), False, []),
    ],
    ids=["goes on", "goes back", "serves, with nothing to go back to", "does not serve", "runs nothing"],
)
def test_what_a_failed_release_does_to_a_host(
    tmp_path: Path, host: dict[str, Any], sick: bool, done: list[str]
) -> None:
    """Release 5 has failed, after it has touched the host, if that runs it."""
    steps = {
        "replace": "step replace {{ release__spec.config[7:] }} on",
        "admit": "step admit on",
        "remove": "step remove on",
    }
    stubs = {name: say(words) for name, words in steps.items()}
    stubs |= {"look": say("look", release_seen=host), "sick": say("sick", release_sick=sick), "reach": say("reach")}
    planned = {"action": "deploy", "kind": "new", "fallback": 4, "hosts": {"backend-1": {"do": "replace", "spec": {}}}}
    failure = {"host": "frontend-1", "reason": "no licence"}
    variables = {"release_state": STATE, "release_number": 5, "release_plan": planned, "project": "tandem"}
    touched = {"release_had": 4 if host["kept"] else 0} if host["running"]["release"] == 5 else {}
    hosts = {"backend-1": touched | {"release_failure": failure}}
    played = Rehearsal(tmp_path, stubs, hosts, variables).play(("backend", ["restore"]))
    assert played.returncode == 0, played.stdout
    assert "Note that the host is not restored" not in played.stdout, played.stdout
    assert re.findall(r"step (.*) on backend-1", played.stdout) == done, played.stdout


WRITES = "end(changed=True, record={'number': 2, 'release': 2})\n"
AWAY = "end(failed=True, msg='AWS is away')\n"
COMMON = {
    "project": "tandem", "images_names": {}, "images_found": "", "parameter_path": "/test", "common_tags": {}, "app_version": "1",
    "release_purpose": "a test", "release_state": STATE, "health_path": "/readyz",
}  # fmt: skip


@pytest.mark.parametrize(
    ("looked", "record", "says"),
    [
        (fail("Docker is away"), WRITES, "Docker is away; Docker is away. Nothing has been changed."),
        (say("looked", release_seen=seen(4)), AWAY, "Write the record: AWS is away"),
        (say("looked", release_seen=seen(4)), WRITES, ""),
    ],
    ids=["a host cannot be looked at again", "the record cannot be written", "nothing"],
)
def test_a_lock_is_freed_where_what_follows_fails(
    tmp_path: Path, looked: list[dict[str, Any]], record: str, says: str
) -> None:
    stubs = {"look": looked, "free": say("freed on"), "reach": say("reached")}
    hosts = {"backend-1": {"release_config": "a"}, "backend-2": {"release_config": "b"}}
    rehearsal = Rehearsal(tmp_path, stubs, hosts, COMMON, {"release_record": record})
    (tmp_path / "roles/images/tasks").mkdir(parents=True)
    (tmp_path / "roles/images/tasks/find.yml").write_text("[]")
    played = rehearsal.play(
        ("backend", ["look_again"]), ("localhost", ["open"]), shows="{{ release_number | default(0) }}"
    )
    assert (played.returncode != 0) is bool(says), played.stdout + played.stderr
    assert ("freed on localhost" in played.stdout) is bool(says), played.stdout
    assert ("SHOWN: 2" in played.stdout) is not bool(says), played.stdout
    assert says in " ".join(played.stdout.split())


@pytest.mark.parametrize(("read", "says"), [(fail("AWS is away"), "Fail: AWS is away"), (say("read"), "")])
def test_a_lock_is_freed_where_the_state_cannot_be_read_again(
    tmp_path: Path, read: list[dict[str, Any]], says: str
) -> None:
    stubs = {"read": read, "free": say("freed on")}
    played = Rehearsal(tmp_path, stubs, {}, COMMON, {"release_lock": WRITES}).play(("localhost", ["lock"]))
    assert (played.returncode != 0) is bool(says), played.stdout + played.stderr
    assert ("freed on localhost" in played.stdout) is bool(says), played.stdout
    assert says in " ".join(played.stdout.split())
