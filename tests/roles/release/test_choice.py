"""What a rollback goes back to, and what a failed release leaves alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.modules.release_facts import lineages

from .rehearsal import Rehearsal, fail, say, value


def record(number: int, result: str = "deployed", back_to: int = 0) -> dict[str, Any]:
    action = "rollback" if back_to else "deploy"
    return {
        "number": number, "release": back_to or number, "action": action, "result": result, "version": "1", "images": {},
    }  # fmt: skip


def state(*records: dict[str, Any], purpose: str = "") -> dict[str, Any]:
    """What release_facts returns. purpose: of the lock that stands, if one does."""
    current, known = lineages(list(records))
    return {
        "releases": list(records),
        "current": current[-1] if current else 0,
        "previous": current[-2] if len(current) > 1 else 0,
        "lineages": {str(number): line for number, line in known.items()},
        "lock": {"purpose": purpose} if purpose else {},
        "lost": [],
        "taken": [],
        "malformed": [],
        "targets": {"backend": {}, "frontend": {}},
    }


ON_AFTER_BACK = [record(1), record(2), record(3, back_to=1), record(4)]


@pytest.mark.parametrize(
    ("found", "back"),
    [
        (state(record(1)), 0),
        (state(record(1), record(2)), 1),
        (state(*ON_AFTER_BACK), 1),
        (state(record(1), record(2), record(3, "rolling")), 2),
        (state(record(1), record(2), record(3, "interrupted")), 2),
        (state(record(1), record(2), record(3, "rolled back")), 1),
        (state(record(1), record(2), record(3, "rolling", back_to=1)), 1),
        (state(record(1), record(2), record(3), record(4, back_to=2)), 1),
        (state(record(1), record(2), record(3), record(4, back_to=2), purpose="rollback to 2"), 2),
        (state(record(1), record(2), record(3, back_to=1), purpose="rollback to 1"), 1),
        (state(record(1), record(2), record(3), record(4, back_to=2), purpose="deploy 4"), 1),
    ],
    ids=[
        "nothing",
        "the one before",
        "not what was gone back from",
        "a killed roll-out is undone",
        "so is one that another run has noticed",
        "a failed one is undone already",
        "a killed rollback goes on",
        "one further back",
        "a rollback that was killed before it freed the lock is done",
        "even to the first release",
        "somebody else's lock says nothing",
    ],
)
def test_what_is_gone_back_to(found: dict[str, Any], back: int) -> None:
    assert value("release__back", release_state=found) == back


def test_a_number_is_taken_at_its_word() -> None:
    assert value("release__back", release_state=state(*ON_AFTER_BACK), release_to="2") == 2


def chosen(tmp_path: Path, found: dict[str, Any], **variables: Any) -> Any:
    rehearsal = Rehearsal(tmp_path, {}, {}, {"release_state": found, "project": "tandem", **variables})
    return rehearsal.play(("localhost", ["choose"]))


def test_a_choice_that_somebody_else_has_changed_is_refused(tmp_path: Path) -> None:
    done = chosen(tmp_path, state(record(1), record(2), record(3)), release_number=1)
    assert done.returncode != 0
    assert "release 1 was to be gone back to, and somebody else has just made 3 the current one" in " ".join(
        done.stdout.split()
    )


def test_where_nothing_can_be_gone_back_to_it_says_so(tmp_path: Path) -> None:
    done = chosen(tmp_path, state(record(1)))
    assert "there is no release before the current one: the current release is 1" in " ".join(done.stdout.split())


RUNS = {"up": True, "version": "1", "image": "sha256:1"}
# What is in a host's folder, by the release's number.
FOLDERS = """{{ {'config': 'config-' ~ (kept | select('in', release__candidates) | max)}
                if kept | select('in', release__candidates) | list else {} }}"""


TOUCHED = {"release_touched": True, "release_had": 4}
NEW_HOST = {"kept": [5], "runs": 5, "release_touched": True, "release_had": 0}
THREE = [record(1), record(2), record(3)]


@pytest.mark.parametrize(
    ("history", "host", "done"),
    [
        (ON_AFTER_BACK, {"kept": [1, 2], "runs": 1}, ["admit"]),
        (ON_AFTER_BACK, {"kept": [1, 4, 5], "runs": 5, **TOUCHED}, ["replace 4", "admit"]),
        (ON_AFTER_BACK, {"kept": [1, 4, 5], "runs": 5}, ["replace 4", "admit"]),
        (ON_AFTER_BACK, {"kept": [1, 4], "runs": 1}, ["admit"]),
        (ON_AFTER_BACK, {"kept": [], "runs": 3}, ["admit"]),
        (ON_AFTER_BACK, {**NEW_HOST, "sick": True}, ["remove"]),
        (ON_AFTER_BACK, NEW_HOST, ["admit"]),
        (ON_AFTER_BACK, {"kept": [1, 4], "runs": 0}, ["replace 4", "admit"]),
        ([], {**NEW_HOST, "sick": True}, ["remove"]),
        ([], NEW_HOST, ["admit"]),
        ([], {"kept": [5], "runs": 5}, ["admit"]),
        ([], {"kept": [], "runs": 0}, []),
        ([], {"kept": [1, 4], "runs": 4}, ["admit"]),
        ([], {"kept": [1, 4, 5], "runs": 5, **TOUCHED}, ["replace 4", "admit"]),
        ([], {"kept": [1, 4, 5], "runs": 5, **TOUCHED, "sick": True}, ["replace 4", "admit"]),
        ([], {"kept": [], "runs": 4, **TOUCHED, "sick": True}, ["admit"]),
        (THREE, {"kept": [1, 2, 3, 4], "runs": 4}, ["admit"]),
        (THREE, {"kept": [1, 2, 3, 4, 5], "runs": 5, **TOUCHED}, ["replace 4", "admit"]),
        (THREE, {"kept": [1, 2, 3, 5], "runs": 5, **TOUCHED}, ["replace 3", "admit"]),
        ([*THREE, record(4, "interrupted")], {"kept": [1, 3, 4], "runs": 4}, ["replace 3", "admit"]),
        ([*THREE, record(4, "interrupted")], {"kept": [1, 3, 4, 5], "runs": 5, **TOUCHED}, ["replace 3", "admit"]),
    ],
    ids=[
        "one that keeps a bad release runs on",
        "one that was changed goes back",
        "so does one that a killed run has changed",
        "a container from before is trusted more than a folder",
        "even where no folder is left",
        "a new host whose container does not serve is left out",
        "one whose container serves stays",
        "one whose container is gone gets it again",
        "the first release leaves nothing that does not serve",
        "what serves of it stays",
        "so does what a killed run left of it",
        "where nothing ran there is nothing to do",
        "without records what this run has not touched stays",
        "and what it has goes back to what it found",
        "whether or not it serves",
        "what it only wanted to change is never removed",
        "what has no record, because that was lost, stays",
        "and is gone back to",
        "unless the host has lost it too",
        "what an interrupted run left goes back",
        "and is not gone back to",
    ],
)
def test_what_a_failed_release_does_to_a_host(
    tmp_path: Path, history: list[dict[str, Any]], host: dict[str, Any], done: list[str]
) -> None:
    """Release 5 has failed. The host's container and folders are as given; sick: its container does not serve."""
    runs = host["runs"]
    running = {**RUNS, "up": bool(runs), "release": runs, "config": f"config-{runs}"}
    found = state(*history)
    steps = {
        "replace": "step replace {{ release__spec.config[7:] }} on",
        "admit": "step admit on",
        "remove": "step remove on",
    }
    stubs = {name: say(words) for name, words in steps.items()}
    stubs |= {"look": say("look", release_running=running), "load": say("load", release__spec=FOLDERS)}
    stubs |= {"sick": say("sick", release_sick=host.get("sick", False)), "reach": say("reach")}
    variables = {
        "project": "tandem", "release_state": found, "release_number": 5, "release_fallback": found["current"],
        "release__folders": {"files": [{"path": f"/etc/tandem/releases/{number}"} for number in host["kept"]]},
    }  # fmt: skip
    played = Rehearsal(tmp_path, stubs, {"backend-1": {"release_plan": "replace", **host}}, variables).play(
        ("backend", ["restore"])
    )
    assert played.returncode == 0, played.stdout
    assert "Note that the host is not restored" not in played.stdout, played.stdout
    assert re.findall(r"step (.*) on backend-1", played.stdout) == done, played.stdout


@pytest.mark.parametrize(
    ("history", "variables", "says"),
    [
        ([record(1), record(2, "unknown"), record(3)], {}, "the record of 2 was lost"),
        ([record(1), record(2, "unknown"), record(3)], {"release_to": 1}, ""),
        ([record(1, "unknown"), record(2), record(3)], {}, ""),
        ([record(1), record(2), record(3, "unknown")], {}, ""),
    ],
    ids=["between", "named", "before", "after"],
)
def test_a_rollback_does_not_guess_where_a_record_is_lost(
    tmp_path: Path, history: list[dict[str, Any]], variables: dict[str, Any], says: str
) -> None:
    done = chosen(tmp_path, state(*history), **variables)
    assert (done.returncode != 0) is bool(says), done.stdout
    assert says in " ".join(done.stdout.split())
    assert not says or "-e release_to=1" in " ".join(done.stdout.split())


WRITES = "end(changed=True, record={'number': 2, 'release': 2})\n"
AWAY = "end(failed=True, msg='AWS is away')\n"
COMMON = {
    "project": "tandem", "images_names": {}, "images_found": "", "parameter_path": "/test", "common_tags": {}, "app_version": "1",
    "release_purpose": "a test",
}  # fmt: skip


@pytest.mark.parametrize(
    ("planned", "record", "says"),
    [
        (fail("Docker is away"), WRITES, "Docker is away; Docker is away. Nothing has been changed."),
        (say("planned", release_config="a", release_plan="replace"), AWAY, "Write the record: AWS is away"),
        (say("planned", release_config="a", release_plan="replace"), WRITES, ""),
    ],
    ids=["a host cannot be planned again", "the record cannot be written", "nothing"],
)
def test_a_lock_is_freed_where_what_follows_fails(
    tmp_path: Path, planned: list[dict[str, Any]], record: str, says: str
) -> None:
    stubs = {"plan": planned, "free": say("freed on"), "reach": say("reached")}
    variables = COMMON | {"release_state": state()}
    rehearsal = Rehearsal(tmp_path, stubs, {"backend-1": {}, "backend-2": {}}, variables, {"release_record": record})
    (tmp_path / "roles/images/tasks").mkdir(parents=True)
    (tmp_path / "roles/images/tasks/find.yml").write_text("[]")
    played = rehearsal.play(("backend", ["plan_again"]), ("localhost", ["open"]))
    assert (played.returncode != 0) is bool(says), played.stdout + played.stderr
    assert ("freed on localhost" in played.stdout) is bool(says), played.stdout
    assert says in " ".join(played.stdout.split())


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (fail("AWS is away"), "Fail: AWS is away"),
        (
            say("read", release_state=state(record(1), record(2), record(3))),
            "somebody else has just made 3 the current one",
        ),
        (say("read", release_state=state(record(1), record(2))), ""),
    ],
    ids=["the state cannot be read", "the choice has changed", "nothing"],
)
def test_a_rollback_chooses_again_under_the_lock(tmp_path: Path, read: list[dict[str, Any]], says: str) -> None:
    stubs = {"begin": say("chosen", release_action="rollback", release_number=1), "read": read, "free": say("freed on")}
    rehearsal = Rehearsal(tmp_path, stubs, {}, COMMON, {"release_lock": WRITES})
    played = rehearsal.play(("localhost", ["begin", "lock"]))
    assert (played.returncode != 0) is bool(says), played.stdout + played.stderr
    assert ("freed on localhost" in played.stdout) is bool(says), played.stdout
    assert says in " ".join(played.stdout.split())
