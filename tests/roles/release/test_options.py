"""Options that no release can go by: what the rules say of each, and that a tier is never taken out as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import RULES

from tests.support.cloud import ROOT

from .rehearsal import Rehearsal, say, words

BASE = {"project": "tandem", "release_surge": False}


def accepted(name: str, given: Any) -> bool:
    return RULES[name].problem(name, given) == []


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


def test_the_defaults_are_accepted() -> None:
    defaults = yaml.safe_load((ROOT / "roles/release/defaults/main.yml").read_text())
    assert [name for name, default in defaults.items() if name in RULES and not accepted(name, default)] == []


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
