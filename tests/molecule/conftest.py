"""Scenarios of one local cloud run one after the other; all others have an API of their own."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.support.cloud import ROOT
from tests.support.spread import Spread


def place(nodeid: str) -> str:
    """The local cloud of a scenario's test, or the test itself."""
    scenario = re.search(r"\[(\w+)\]$", nodeid)
    if not scenario:
        return nodeid
    settings = yaml.safe_load((ROOT / "molecule" / scenario[1] / "molecule.yml").read_text())
    environment = (settings.get("provisioner") or {}).get("env") or {}
    return str(environment.get("LOCALCLOUD_NAME", nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spread:
    return Spread(config, log, place)
