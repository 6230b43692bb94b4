"""Options that no release can go by are refused before anything is done, in one message."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .rehearsal import ROOT, Rehearsal, say, value, words

BATCH = "want how many hosts of a tier change at a time, a whole number from 1 or a share from 1% to 100%"
BASE = {"project": "tandem", "release_surge": False}


def accepted(name: str, given: Any) -> bool:
    """Whether the pattern of an option is met."""
    return bool(re.match(value("__release_options")[name]["pattern"], str(given)))


@pytest.mark.parametrize("good", ["", 1, "1", "12", "1%", "50%", "100%"])
def test_a_batch(good: Any) -> None:
    assert accepted("release_batch", good)


@pytest.mark.parametrize("bad", [0, "0", -1, "-1", "half", "1.5", 1.5, "0%", "101%", "200%", "%", "50 %", True, "1 2"])
def test_no_batch(bad: Any) -> None:
    assert not accepted("release_batch", bad)


SECONDS = ("release_soak", "release_drain_timeout", "release_ready_timeout", "release_healthy_timeout")


@pytest.mark.parametrize("name", [*SECONDS, "release_kept", "release_to"])
def test_numbers(name: str) -> None:
    assert accepted(name, 1)
    assert accepted(name, "30")
    assert accepted(name, 0) is (name != "release_kept")
    for bad in (-1, "-1", "soon", 1.5, "", None):
        assert not accepted(name, bad), bad


@pytest.mark.parametrize("playbook", ["deploy", "rollback"])
def test_they_are_looked_at_first(playbook: str) -> None:
    text = (ROOT / f"playbooks/{playbook}.yml").read_text()
    assert re.search(r"name: (\w+)", text.partition("import_role")[2]).groups() == ("release",)  # type: ignore[union-attr]
    assert "tasks_from: check" in text.partition("import_role")[2].partition("\n")[0]


def test_a_refusal_says_how_to_mend_it(tmp_path: Path) -> None:
    played = Rehearsal(tmp_path, {}, {}, BASE | {"release_batch": "0", "release_soak": "soon"}).play(
        ("localhost", ["check"])
    )
    assert played.returncode != 0
    assert f"release_batch=0: {BATCH}, for example -e release_batch=50%" in words(played)
    assert "release_soak=soon: want a whole number of seconds from 0, for example -e release_soak=60" in words(played)


def test_the_defaults_are_accepted(tmp_path: Path) -> None:
    played = Rehearsal(tmp_path, {}, {}, BASE).play(("localhost", ["check"]))
    assert played.returncode == 0, played.stdout


UP = {"release_running": {"up": True}, "release_plan": "replace"}
DOWN = {"release_running": {"up": False}, "release_plan": "replace"}
STATE = {"releases": [], "lock": {}, "targets": {}}


@pytest.mark.parametrize(
    ("batch", "hosts", "surge", "refused"),
    [
        ("100%", [UP, UP], False, True),
        (2, [UP, UP], False, True),
        ("5", [UP, DOWN], False, True),
        ("99%", [UP, UP], False, False),
        ("1", [UP, UP], False, False),
        ("", [UP, UP], False, False),
        ("100%", [UP, UP], True, False),
        ("100%", [DOWN, DOWN], False, False),
        ("100%", [UP], False, False),
        ("100%", [UP | {"release_plan": "none"}] * 2, False, False),
    ],
    ids=[
        "all by share", "all by number", "more than there are", "all but one", "one", "unsaid", "all with surge",
        "all where nothing runs", "the only host", "nothing to change",
    ],
)  # fmt: skip
def test_a_tier_is_never_taken_out_as_a_whole(
    tmp_path: Path, batch: Any, hosts: list[dict[str, Any]], surge: bool, refused: bool
) -> None:
    tier = {f"backend-{number}": host for number, host in enumerate(hosts, 1)}
    variables = {**BASE, "release_state": STATE, "release_batch": batch, "release_surge": surge}
    played = Rehearsal(tmp_path, {"surge_ports": say("look")}, tier, variables).play(("localhost", ["begin"]))
    assert (played.returncode != 0) is refused, played.stdout + played.stderr
    assert (f"all {len(hosts)} hosts of tier backend would be taken out at once" in words(played)) is refused
