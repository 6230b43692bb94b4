"""Every own module says which module of a collection it stands in for."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
import yaml
from ansible_collections.tandem.platform.plugins import modules


@pytest.mark.parametrize("name", sorted(module.name for module in pkgutil.iter_modules(modules.__path__)))
def test_says_in_place_of_what_and_why(name: str) -> None:
    module = importlib.import_module(f"{modules.__name__}.{name}")
    reasons = [line for line in yaml.safe_load(module.DOCUMENTATION)["description"] if "In place of M(" in line]
    assert len(reasons) == 1
    assert len(reasons[0].split()) > 10, "a name is no reason"
