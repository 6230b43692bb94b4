"""The inventory of an environment: its own hosts alone, in groups by tier, with the addresses by which they are reached."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import api, without_aws
from tests.support.plugins import ROOT
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """Environment variables of an account with environments local and local-2."""
    with api() as endpoint:
        for env, cidr in (("local", "10.60"), ("local-2", "10.61")):
            made = Stack(endpoint.client, "tandem", env, cidr).make()
            for tier in ("frontend", "backend"):
                hosts = [made.ids[f"{tier}-1"], made.ids[f"{tier}-2"]]
                endpoint.client("ec2").create_tags(Resources=hosts, Tags=[{"Key": "Tier", "Value": tier}])
        path = f"{ROOT}/.venv/bin:{os.environ['PATH']}"
        yield {**without_aws(), **endpoint.environment, "PATH": path}


def inventory(environment: dict[str, str], *options: str) -> dict[str, Any]:
    done = subprocess.run(
        [ROOT / ".venv/bin/ansible-inventory", "--list", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_hosts_stand_in_the_groups_of_their_tiers(environment: dict[str, str]) -> None:
    found = inventory(environment, "-i", "inventory/local")
    assert sorted(found["frontend"]["hosts"]) == ["frontend-1", "frontend-2"]
    assert sorted(found["backend"]["hosts"]) == ["backend-1", "backend-2"]


def test_another_environment_of_the_account_is_not_there(environment: dict[str, str]) -> None:
    own = inventory(environment, "-i", "inventory/local")["_meta"]["hostvars"]
    other = inventory(environment, "-i", "inventory/local", "-e", "env_name=local-2")["_meta"]["hostvars"]
    assert own["frontend-1"]["instance_id"] != other["frontend-1"]["instance_id"]
    none = inventory(environment, "-i", "inventory/local", "-e", "env_name=nobody")
    assert "frontend-1" not in none["_meta"]["hostvars"]


def test_every_inventory_parses_without_an_account(tmp_path: Path) -> None:
    """Each folder has a hosts.yml that stands alone, so that a playbook for localhost runs before anything exists."""
    for folder in sorted((ROOT / "inventory").iterdir()):
        found = inventory({**os.environ}, "-i", str(folder / "hosts.yml"))
        assert "localhost" in found["_meta"]["hostvars"], folder
