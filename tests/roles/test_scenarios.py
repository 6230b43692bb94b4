"""Each role's molecule scenario: create, check, converge, idempotence, verify, destroy. One alone: molecule test -s NAME."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cloud import ROOT, tail


def scenarios() -> list[Any]:
    """All but `default`, which is the whole deployment: tests/whole does that more thoroughly."""
    files = sorted((ROOT / "molecule").glob("*/molecule.yml"))
    return [
        pytest.param(file.parent.name, marks=pytest.mark.xdist_group(place(file)), id=file.parent.name)
        for file in files
        if file.parent.name != "default"
    ]


def place(file: Path) -> str:
    """Scenarios of one local cloud run one after the other; all others have an API of their own."""
    environment = (yaml.safe_load(file.read_text()).get("provisioner") or {}).get("env") or {}
    return environment.get("LOCALCLOUD_NAME", file.parent.name)


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
    assert {"docker_host", "network", "release"} <= {param.values[0] for param in scenarios()}
