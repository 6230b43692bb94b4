"""Every role says what it takes: specification, defaults and README agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROLES = sorted(path.parents[1] for path in ROOT.glob("roles/*/meta/argument_specs.yml"))


def test_every_role_has_a_specification() -> None:
    assert [role.name for role in ROLES] == sorted(path.name for path in ROOT.glob("roles/*") if path.is_dir())


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_default_is_specified(role: Path) -> None:
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    specified = {name for spec in specs.values() for name in spec.get("options") or {}}
    file = role / "defaults/main.yml"
    defaults = set(yaml.safe_load(file.read_text()) or {}) if file.exists() else set()
    assert defaults - specified == set()
    assert all(name.startswith(f"{role.name}_") for name in defaults)


def test_readmes_are_up_to_date() -> None:
    answer = subprocess.run([sys.executable, ROOT / "bin/generate-docs", "--check"], capture_output=True, text=True)
    assert answer.returncode == 0, f"{answer.stdout}run bin/generate-docs"
