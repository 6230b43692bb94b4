"""What a release does: which one it is, on which hosts, in which order; and how it is taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.module_utils.release.plan import (
    History,
    Host,
    Plan,
    Run,
    Wanted,
    plan,
    way_back,
)
from ansible_collections.tandem.platform.plugins.module_utils.release.records import lineages

Record = dict[str, Any]


def record(number: int, result: str = "deployed", back_to: int = 0, **more: Any) -> Record:
    action = "rollback" if back_to else "deploy"
    found = {
        "number": number,
        "release": back_to or number,
        "action": action,
        "result": result,
        "version": "1",
        "images": {},
    }
    return found | more


def history(*records: Record, purpose: str = "", **more: Any) -> History:
    """purpose: of the lock that stands, if one does."""
    current, known = lineages(records)
    found = History(
        releases=records,
        current=current[-1] if current else 0,
        previous=current[-2] if len(current) > 1 else 0,
        lineages={str(number): line for number, line in known.items()},
        lock={"purpose": purpose} if purpose else {},
    )
    return replace(found, **more)


def spec(release: int) -> dict[str, Any]:
    return {"release": release, "config": f"config-{release}", "image_id": f"sha256:{release}"}


def host(name: str = "backend-1", runs: int = 0, *kept: int, **more: Any) -> Host:
    """runs: the release that its container is of, 0 for none. It has the images of what it keeps."""
    running = {"up": bool(runs), "release": runs, "version": "1", "config": f"config-{runs}"}
    found = Host(
        name, name.partition("-")[0], running, target=name, second_target=f"{name}:1", config="config-9",
        kept=[spec(number) for number in kept], images=[f"sha256:{number}" for number in kept],
    )  # fmt: skip
    return replace(found, **more)


def healthy(*names: str) -> dict[str, Any]:
    targets: dict[str, dict[str, Any]] = {"backend": {}, "frontend": {}}
    for name in names:
        targets[name.partition("-")[0]][name] = {"state": "healthy"}
    return targets


def back(found: History, **wanted: Any) -> Plan:
    """A rollback of a host that keeps every release."""
    return plan([host("backend-1", 9, *range(1, 9))], found, Wanted(action="rollback", **wanted))


# -- what a rollback goes back to
ON_AFTER_BACK = [record(1), record(2), record(3, back_to=1), record(4)]


@pytest.mark.parametrize(
    ("found", "number"),
    [
        (history(record(1)), 0),
        (history(record(1), record(2)), 1),
        (history(*ON_AFTER_BACK), 1),
        (history(record(1), record(2), record(3, "rolling")), 2),
        (history(record(1), record(2), record(3, "interrupted")), 2),
        (history(record(1), record(2), record(3, "rolled back")), 1),
        (history(record(1), record(2), record(3, "rolling", back_to=1)), 1),
        (history(record(1), record(2), record(3), record(4, back_to=2)), 1),
        (history(record(1), record(2), record(3), record(4, back_to=2), purpose="rollback to 2"), 2),
        (history(record(1), record(2), record(3, back_to=1), purpose="rollback to 1"), 1),
        (history(record(1), record(2), record(3), record(4, back_to=2), purpose="deploy 4"), 1),
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
def test_what_is_gone_back_to(found: History, number: int) -> None:
    assert found.before() == number
    planned = back(found)
    assert planned.number == number, planned.problem
    assert bool(planned.problem) is not bool(number)


def test_a_number_is_taken_at_its_word() -> None:
    planned = back(history(*ON_AFTER_BACK), to=2)
    assert (planned.number, planned.hosts["backend-1"]["spec"]["release"]) == (2, 2)
    assert planned.fields == {"action": "rollback", "release": 2, "version": "1", "images": {}}


@pytest.mark.parametrize(
    ("found", "number", "kind", "goes_on"),
    [
        (history(record(1), record(2)), 1, "new", 0),
        (history(record(1), record(2), record(3, "rolling", back_to=1)), 1, "resume", 3),
        (history(record(1), record(2), record(3), record(4, back_to=2), purpose="rollback to 2"), 2, "repair", 0),
        (history(record(1), record(2), record(3, "rolling", back_to=1)), 2, "new", 0),
    ],
)
def test_whether_a_rollback_gets_a_record(found: History, number: int, kind: str, goes_on: int) -> None:
    planned = back(found, to=number)
    assert (planned.kind, planned.record, planned.fallback) == (kind, goes_on, found.current)


@pytest.mark.parametrize(
    ("found", "wanted", "says"),
    [
        (history(record(1)), {}, "there is no release before the current one: the current release is 1; want"),
        (history(record(1), record(2)), {"to": 7}, "release_to=7: the current release is 2; want"),
        (history(record(1), record(2, "failed"), record(3)), {"to": 2}, "one of: 1, 3."),
        (history(record(1), record(2), record(3)), {"chosen": 1}, "somebody else has just made 3"),
        (history(record(1), record(2), record(3)), {"chosen": 2}, ""),
        (history(record(1), record(2, "unknown"), record(3)), {}, "the record of 2 was lost"),
        (history(record(1), record(2, "unknown"), record(3)), {"to": 1}, ""),
        (history(record(1, "unknown"), record(2), record(3)), {}, ""),
        (history(record(1), record(2), record(3, "unknown")), {}, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_gone_back_to(found: History, wanted: dict[str, Any], says: str) -> None:
    planned = back(found, **wanted)
    assert bool(planned.problem) is bool(says)
    assert says in planned.problem
    assert planned.plays == {} or not says


def test_each_host_goes_back_to_the_newest_that_it_keeps() -> None:
    hosts = [host("backend-1", 3, 1, 2, 3), host("backend-2", 3, 1, 3), host("backend-3", 3, 3)]
    found = history(record(1), record(2), record(3))
    planned = plan(hosts[:2], found, Wanted(action="rollback"))
    assert [planned.hosts[one.name]["spec"]["release"] for one in hosts[:2]] == [2, 1]
    assert "backend-3: no release up to 2 is kept there" in plan(hosts, found, Wanted(action="rollback")).problem
    bare = replace(hosts[0], images=["sha256:1", "sha256:3"])
    assert "backend-1: the image of release 2" in plan([bare], found, Wanted(action="rollback")).problem


# -- what a roll-out is
def inputs(*hosts: Host) -> str:
    return str(plan(hosts, history(), Wanted()).fields["inputs"])


@pytest.mark.parametrize(
    ("result", "same", "kind", "number"),
    [
        ("deployed", True, "repair", 2),
        ("rolling", True, "resume", 2),
        ("interrupted", True, "resume", 2),
        ("failed", True, "new", 0),
        ("rolled back", True, "new", 0),
        ("deployed", False, "new", 0),
        ("rolling", False, "new", 0),
    ],
)
def test_which_release_a_roll_out_is(result: str, same: bool, kind: str, number: int) -> None:
    told = inputs(host()) if same else "other"
    planned = plan(
        [host()], history(record(1), record(2, result, inputs=told)), Wanted(version="9", images={"backend": "b:1"})
    )
    assert (planned.kind, planned.number) == (kind, number)
    assert planned.record == (number if kind == "resume" else 0)
    assert planned.fallback == (0 if kind == "repair" else 2 if result == "deployed" else 1)
    assert planned.fields["version"] == "9"


def test_what_hosts_should_run_makes_a_release_another_one() -> None:
    a, b = host(), host("backend-2")
    assert inputs(a, b) == inputs(b, a)
    assert inputs(a, b) != inputs(a, replace(b, config="other"))


# -- what is done on which host
@pytest.mark.parametrize(
    ("found", "targets", "do"),
    [
        (host(runs=9), healthy("backend-1"), "none"),
        (host(runs=9), {"backend": {"backend-1": {"state": "draining"}}}, "admit"),
        (host(runs=9), {}, "admit"),
        (host(runs=9, second=True), healthy("backend-1"), "admit"),
        (host(runs=9), healthy("backend-1", "backend-1:1"), "admit"),
        (host(runs=8), healthy("backend-1"), "replace"),
        (host(), healthy("backend-1"), "replace"),
        (replace(host(runs=9), running={**host(runs=9).runs, "up": False}), healthy("backend-1"), "replace"),
    ],
)
def test_what_is_done_on_a_host(found: Host, targets: dict[str, Any], do: str) -> None:
    planned = plan([found], history(targets=targets), Wanted())
    assert planned.hosts["backend-1"]["do"] == do
    assert planned.work is (do != "none")
    assert bool(planned.plays) is planned.work


FLEET = [host("backend-1", 9), host("backend-2", 8), host("frontend-1", 9)]


def test_the_order_of_a_roll_out() -> None:
    plays = plan(FLEET, history(targets=healthy("backend-1", "frontend-1")), Wanted()).plays
    assert plays["stage"] == ["backend-2"]
    assert plays["migrate"] == ["backend-1"]
    assert (plays["first"], plays["second"]) == (["backend-1", "backend-2"], ["frontend-1"])
    assert (plays["back_sick"], plays["back_first"], plays["back_second"]) == (
        plays["first"],
        ["frontend-1"],
        plays["first"],
    )
    assert plays["open"] == plays["conclude"] == ["localhost"]
    assert "sick" not in plays


def test_the_order_of_a_rollback() -> None:
    hosts = [replace(one, kept=[spec(1)], images=["sha256:1"]) for one in FLEET]
    plays = plan(hosts, history(record(1), record(2)), Wanted(action="rollback")).plays
    assert (plays["sick"], plays["first"], plays["second"]) == (
        ["backend-1", "backend-2"],
        ["frontend-1"],
        plays["sick"],
    )
    assert (plays["back_first"], plays["back_second"]) == (plays["sick"], ["frontend-1"])
    assert not {"stage", "migrate", "prune", "back_sick"} & plays.keys()


@pytest.mark.parametrize(
    ("found", "check", "works"),
    [
        (history(record(1)), False, False),
        (history(record(1), purpose="deploy 1"), False, True),
        (history(record(1), record(2, "rolling")), False, True),
        (history(record(1), record(2, "rolling")), True, False),
    ],
    ids=["nothing", "a lock is left", "a record is open", "with --check"],
)
def test_a_run_that_was_killed_is_work_where_every_host_is_as_it_should_be(
    found: History, check: bool, works: bool
) -> None:
    planned = plan([host(runs=9)], replace(found, targets=healthy("backend-1")), Wanted(check=check))
    assert (planned.work, planned.changes) == (works, [])


@pytest.mark.parametrize(
    ("hosts", "says"),
    [
        ([host(runs=9), host("backend-2", running=None)], "backend-2 cannot be reached or looked at"),
        (
            [host(failure="Docker is away"), host(failure="so is this")],
            "Docker is away; so is this. Nothing has been changed.",
        ),
    ],
)
def test_a_release_goes_to_all_hosts_or_to_none(hosts: list[Host], says: str) -> None:
    planned = plan(hosts, history(), Wanted())
    assert says in planned.problem
    assert not planned.work


@pytest.mark.parametrize(
    ("batch", "runs", "surge", "refused"),
    [
        ("100%", [1, 1], False, True),
        ("2", [1, 1], False, True),
        ("5", [1, 0], False, True),
        ("99%", [1, 1], False, False),
        ("1", [1, 1], False, False),
        ("", [1, 1], False, False),
        ("100%", [1, 1], True, False),
        ("100%", [0, 0], False, False),
        ("100%", [1], False, False),
        ("100%", [9, 9], False, False),
    ],
    ids=[
        "all by share", "all by number", "more than there are", "all but one", "one", "unsaid", "all with surge",
        "all where nothing runs", "the only host", "nothing to change",
    ],
)  # fmt: skip
def test_a_tier_is_never_taken_out_as_a_whole(batch: str, runs: list[int], surge: bool, refused: bool) -> None:
    hosts = [host(f"backend-{number}", one) for number, one in enumerate(runs, 1)]
    targets = healthy(*(one.name for one in hosts))
    planned = plan(hosts, history(targets=targets), Wanted(batch=batch, surge=surge))
    assert bool(planned.problem) is refused
    assert (f"all {len(hosts)} hosts of tier backend would be taken out at once" in planned.problem) is refused
    assert planned.batch == (batch or "1")


def test_where_nothing_runs_nobody_waits() -> None:
    assert plan([host(), host("backend-2")], history(), Wanted()).batch == "100%"


# -- the way back
THREE = [record(1), record(2), record(3)]
NEW = {"kept": [5], "runs": 5, "had": 0}


@pytest.mark.parametrize(
    ("records", "found", "do"),
    [
        (ON_AFTER_BACK, {"kept": [1, 2], "runs": 1}, "admit"),
        (ON_AFTER_BACK, {"kept": [1, 4, 5], "runs": 5, "had": 4}, "replace 4"),
        (ON_AFTER_BACK, {"kept": [1, 4, 5], "runs": 5}, "replace 4"),
        (ON_AFTER_BACK, {"kept": [1, 4], "runs": 1}, "admit"),
        (ON_AFTER_BACK, {"kept": [], "runs": 3}, "admit"),
        (ON_AFTER_BACK, NEW, "judge"),
        (ON_AFTER_BACK, {"kept": [1, 4], "runs": 0}, "replace 4"),
        ([], NEW, "judge"),
        ([], {"kept": [5], "runs": 5}, "admit"),
        ([], {"kept": [], "runs": 0}, "nothing"),
        ([], {"kept": [1, 4], "runs": 4}, "admit"),
        ([], {"kept": [1, 4, 5], "runs": 5, "had": 4}, "replace 4"),
        ([], {"kept": [], "runs": 4, "had": 4}, "admit"),
        (THREE, {"kept": [1, 2, 3, 4], "runs": 4}, "admit"),
        (THREE, {"kept": [1, 2, 3, 4, 5], "runs": 5, "had": 4}, "replace 4"),
        (THREE, {"kept": [1, 2, 3, 5], "runs": 5, "had": 4}, "replace 3"),
        ([*THREE, record(4, "interrupted")], {"kept": [1, 3, 4], "runs": 4}, "replace 3"),
        ([*THREE, record(4, "interrupted")], {"kept": [1, 3, 4, 5], "runs": 5, "had": 4}, "replace 3"),
    ],
    ids=[
        "one that keeps a bad release runs on",
        "one that was changed goes back",
        "so does one that a killed run has changed",
        "a container from before is trusted more than a folder",
        "even where no folder is left",
        "a new host keeps its container if that serves",
        "one whose container is gone gets it again",
        "so does a host of the first release",
        "what a killed run left of it stays",
        "where nothing ran there is nothing to do",
        "without records what this run has not touched stays",
        "and what it has goes back to what it found",
        "what it only wanted to change is never removed",
        "what has no record, because that was lost, stays",
        "and is gone back to",
        "unless the host has lost it too",
        "what an interrupted run left goes back",
        "and is not gone back to",
    ],
)
def test_what_a_failed_release_does_to_a_host(records: list[Record], found: dict[str, Any], do: str) -> None:
    """Release 5 has failed. had: what the run found on the host, where it has touched it."""
    state = history(*records)
    run = Run("deploy", number=5, fallback=state.current, step="replace", had=found.get("had"))
    way = way_back(host("backend-1", found["runs"], *found["kept"]), state, run)
    assert way["do"] == do.split()[0]
    if "replace" in do:
        assert way["spec"]["release"] == int(do.split()[1])


@pytest.mark.parametrize(("step", "do"), [("replace", "admit"), ("none", "replace")])
def test_what_a_failed_rollback_has_not_touched(step: str, do: str) -> None:
    """It runs 2 and was to run 1; what runs 1 already was left by a rollback that was killed."""
    runs = 2 if step == "replace" else 1
    run = Run("rollback", number=1, fallback=2, step=step)
    assert way_back(host("backend-1", runs, 1, 2), history(record(1), record(2)), run)["do"] == do


def test_records_that_were_lost() -> None:
    found = history(record(2), lost=[1], taken=[4])
    assert found.unrecorded([host(runs=2), host(runs=3), host(runs=4), host()]) == [1, 3]
