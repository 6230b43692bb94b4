"""The inventory of an environment: its own hosts alone, in groups by tier."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from localcloud.testing import Stack, api, without_aws
from tests.support.cloud import ROOT


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """Environment variables of an account with environments local and local-2."""
    with api() as endpoint:
        environments = (("local", "us-east-1"), ("local-2", "us-east-1"), ("staging", "eu-central-1"))
        for number, (env, region) in enumerate(environments):
            client = partial(endpoint.client, region=region)
            Stack(client, "tandem", env, f"10.{60 + number}", region).make()
        path = f"{ROOT}/.venv/bin:{os.environ['PATH']}"
        yield {**without_aws(), **endpoint.environment, "PATH": path}


def inventory(environment: dict[str, str], *options: str, folder: Path = ROOT) -> dict[str, Any]:
    done = subprocess.run(
        [ROOT / ".venv/bin/ansible-inventory", "--list", *options],
        cwd=folder,
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
    assert own["frontend-1"]["aws_instance_id"] != other["frontend-1"]["aws_instance_id"]
    none = inventory(environment, "-i", "inventory/local", "-e", "env_name=nobody")
    assert "frontend-1" not in none["_meta"]["hostvars"]


def test_every_inventory_parses_without_an_account() -> None:
    """Each folder has a hosts.yml that stands alone, so that a playbook for localhost runs before anything exists."""
    for folder in sorted((ROOT / "inventory").iterdir()):
        found = inventory({**os.environ}, "-i", str(folder / "hosts.yml"))
        assert "localhost" in found["_meta"]["hostvars"], folder


def test_a_second_environment_is_made_as_the_document_says(environment: dict[str, str], tmp_path: Path) -> None:
    """The first block of docs/new-environment.md, without its last line, which deploys."""
    for name in ("ansible.cfg", "group_vars", "inventory", "collections"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    text = (ROOT / "docs/new-environment.md").read_text()
    *commands, deploy = [line.removeprefix("$ ") for line in text.split("```")[1].splitlines()[1:]]
    assert deploy.endswith("ansible-playbook -i inventory/staging site.yml")
    subprocess.run(["bash", "-euc", "\n".join(commands)], cwd=tmp_path, check=True)
    found = inventory(environment, "-i", "inventory/staging", folder=tmp_path)
    own = found["_meta"]["hostvars"]
    assert sorted(found["frontend"]["hosts"]) == ["frontend-1", "frontend-2"]
    assert own["frontend-1"]["aws_placement"]["region"]["__ansible_unsafe"] == "eu-central-1"
    assert own["frontend-1"]["aws_tags"]["Environment"]["__ansible_unsafe"] == "staging"
    variables = {name: own["localhost"][name] for name in ("env_name", "region", "backend_count")}
    assert variables == {"env_name": "staging", "region": "eu-central-1", "backend_count": 5}


@pytest.mark.parametrize(
    ("tagged", "expected", "said"),
    [
        ("main", ["frontend-1"], ""),
        ("other", [], "Another environment's: frontend-1. Missing: none."),
        ("main", ["frontend-1", "backend-1"], "Another environment's: none. Missing: backend-1."),
    ],
)
def test_an_inventory_of_another_environment_is_refused(
    tmp_path: Path, tagged: str, expected: list[str], said: str
) -> None:
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    host = {"aws_tags": {"Project": "tandem", "Environment": tagged}}
    content = {"hosts": {"localhost": local}, "children": {"frontend": {"hosts": {"frontend-1": host}}}}
    (tmp_path / "hosts.yml").write_text(json.dumps({"all": content}))
    role = {"ansible.builtin.import_role": {"name": "hosts", "tasks_from": "inventory"}}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [role], "vars": {"hosts_expected": expected}}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    names = {"project": "tandem", "env_name": "main", "name_prefix": "tandem-main", "region": "us-east-1"}
    names["state_dir"] = str(tmp_path)
    done = subprocess.run(
        [ROOT / ".venv/bin/ansible-playbook", "-i", "hosts.yml", "-e", json.dumps(names), "play.yml"],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode == 0) == (not said), done.stdout
    assert said in " ".join(done.stdout.split())
