"""The lock of an environment: one holder, dead ones recognised, foreign ones left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from ansible_collections.tandem.platform.plugins.modules import release_lock
from botocore.exceptions import ClientError

NAME = "/tandem/test/release/lock"
TAGS = {"Project": "tandem"}


@pytest.fixture
def parameter(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(release_lock, "SETTLE_SECONDS", 0)
    return release_lock.Parameter(ssm, NAME)


def lock_of(pid: int, **changes: Any) -> dict[str, Any]:
    """A lock of this machine, held by another process."""
    started = psutil.Process(pid).create_time() if psutil.pid_exists(pid) else 0.0
    return release_lock.own_lock("deploy 1") | {"pid": pid, "started": started} | changes


def take(parameter: Any, break_id: str = "") -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    lock = release_lock.own_lock("deploy 2")
    return lock, *release_lock.take(parameter, lock, TAGS, break_id)


@pytest.fixture
def other_process() -> Any:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_free_lock_is_taken(parameter: Any) -> None:
    lock, standing, broken = take(parameter)
    assert standing == lock == parameter.read()
    assert broken == {}


def test_a_name_that_was_deleted_just_now_is_asked_for_again(parameter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = ClientError({"Error": {"Code": "ParameterAlreadyExists"}}, "PutParameter")
    put, answers = parameter.ssm.put_parameter, [refusal, refusal]

    def refuse_twice(**arguments: Any) -> Any:
        if answers:
            raise answers.pop()
        return put(**arguments)

    monkeypatch.setattr(parameter.ssm, "put_parameter", refuse_twice)
    lock, standing, broken = take(parameter)
    assert standing == lock == parameter.read()
    assert broken == {}
    assert answers == []


def test_a_living_holder_keeps_it(parameter: Any, other_process: Any) -> None:
    held = lock_of(other_process.pid)
    parameter.make(held, TAGS)
    _dummy, standing, _dummy = take(parameter)
    assert standing == held == parameter.read()
    message = release_lock.refusal(NAME, standing)
    for fact in (held["who"], held["since"], "deploy 1", f"release_break_lock={held['id']}"):
        assert fact in message


def test_a_dead_holder_of_this_machine_loses_it(parameter: Any, other_process: Any) -> None:
    held = lock_of(other_process.pid)
    parameter.make(held, TAGS)
    other_process.kill()
    other_process.wait()
    lock, standing, broken = take(parameter)
    assert standing == lock == parameter.read()
    assert broken == held


def test_a_process_number_that_was_given_again_is_not_the_holder(parameter: Any, other_process: Any) -> None:
    """As after a reboot."""
    before = psutil.Process(other_process.pid).create_time() - 60
    parameter.make(lock_of(other_process.pid, started=before), TAGS)
    lock, standing, _dummy = take(parameter)
    assert standing == lock


@pytest.mark.parametrize("nonsense", [{"pid": "1"}, {"pid": -1}, {"pid": 10**30}, {"started": "1"}, {"started": None}])
def test_a_lock_of_this_place_that_names_no_process_is_dead(parameter: Any, nonsense: dict[str, Any]) -> None:
    parameter.make(lock_of(1) | nonsense, TAGS)
    lock, standing, _dummy = take(parameter)
    assert standing == lock


def test_without_proc_it_is_still_held_and_freed(parameter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""
    monkeypatch.setattr(release_lock, "read", lambda _path: "")
    monkeypatch.setattr(release_lock.os, "readlink", lambda _path: Path("/there/is/no/such/file").read_text())
    lock, standing, _dummy = take(parameter)
    assert standing == lock
    assert release_lock.is_ours(standing)
    assert release_lock.is_alive(standing)


@pytest.mark.parametrize(
    "elsewhere",
    [{"machine": "another"}, {"node": "another"}, {"namespace": "pid:[1]"}, {"uid": 4242}],
    ids=["machine", "node", "process numbers", "user"],
)
def test_another_place_keeps_it_until_it_is_named(parameter: Any, elsewhere: dict[str, Any]) -> None:
    held = lock_of(1, started=1.0, **elsewhere)
    parameter.make(held, TAGS)
    _dummy, standing, _dummy = take(parameter)
    assert standing == held
    _dummy, standing, _dummy = take(parameter, break_id="not-this-one")
    assert standing == held
    lock, standing, broken = take(parameter, break_id=held["id"])
    assert standing == lock == parameter.read()
    assert broken == held


def test_a_retry_after_a_lost_answer_finds_its_own_lock(parameter: Any) -> None:
    lock = release_lock.own_lock("deploy")
    assert parameter.make(lock, TAGS)
    assert parameter.make(lock, TAGS)
    assert not parameter.make(release_lock.own_lock("deploy"), TAGS)


def test_of_two_that_break_one_lock_one_is_refused(parameter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read the old one; the other deletes what it takes for it, which is this one, and makes its own."""
    held = lock_of(1, machine="another", started=1.0)
    other = lock_of(1, machine="a third", started=1.0)
    parameter.make(held, TAGS)

    def break_too(_seconds: float) -> None:
        parameter.delete()
        parameter.make(other, TAGS)

    monkeypatch.setattr(release_lock.time, "sleep", break_too)
    lock, standing, _dummy = take(parameter, break_id=held["id"])
    assert standing == other != lock
