"""The roles' molecule scenarios: create, converge, idempotence, verify, destroy. One alone: molecule test -s NAME."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cloud import ROOT, tail


def scenarios() -> list[str]:
    return sorted(file.parent.name for file in (ROOT / "molecule").glob("*/molecule.yml"))


@pytest.mark.parametrize("scenario", scenarios())
def test_scenario(scenario: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("molecule"), "test", "-s", scenario],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, tail(done.stdout, 120)


def test_every_scenario_is_found() -> None:
    assert {"docker_host", "network", "release"} <= set(scenarios())
