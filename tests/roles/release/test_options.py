"""Options that no release can go by: what the rules say of each."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import RULES

from tests.support.cloud import ROOT


def accepted(name: str, given: Any) -> bool:
    return RULES[name].problem(name, given) == []


@pytest.mark.parametrize("good", ["", 1, "1", "12", "1%", "50%", "100%"])
def test_a_batch(good: Any) -> None:
    assert accepted("release_batch", good)


@pytest.mark.parametrize("bad", [0, "0", -1, "-1", "half", "1.5", 1.5, "0%", "101%", "200%", "%", "50 %", True, "1 2"])
def test_no_batch(bad: Any) -> None:
    assert not accepted("release_batch", bad)


SECONDS = (
    "release_soak",
    "release_drain_timeout",
    "release_drain_lag",
    "hosts_drain_lag",
    "release_ready_timeout",
    "release_healthy_timeout",
)


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
