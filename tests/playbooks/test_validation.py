"""Every playbook refuses wrong variables before it looks at anything, in one message; nothing is read, made or deleted."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from localcloud.testing import Endpoint, api, without_aws
from tests.support.cloud import ROOT

PLAYBOOKS = ["site.yml", *sorted(f"playbooks/{path.name}" for path in ROOT.glob("playbooks/*.yml"))]
FIRST = "validate.yml"
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Endpoint]:
    """An account with another environment's secret, which a name that is not whole could match."""
    with api() as endpoint:
        endpoint.client("ssm").put_parameter(Name="/tandem/other/secret", Value="kept", Type="SecureString")
        yield endpoint


def run(
    cloud: Endpoint,
    playbook: str,
    *options: str,
    inventory: str = "inventory/local",
    environment: dict[str, str] | None = None,
) -> Done:
    return subprocess.run(
        [ROOT / ".venv/bin/ansible-playbook", "-i", inventory, playbook, *options],
        cwd=ROOT,
        env={
            **without_aws(),
            **cloud.environment,
            "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}",
            **(environment or {}),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def variables(**values: Any) -> tuple[str, str]:
    return "-e", json.dumps(values)


def refused(
    cloud: Endpoint,
    playbook: str,
    options: tuple[str, ...],
    expected: tuple[str, ...],
    inventory: str = "inventory/local",
    environment: dict[str, str] | None = None,
) -> None:
    """expected: what is said, once each, before any call to AWS."""
    before = len(cloud.journal())
    done = run(cloud, playbook, *options, inventory=inventory, environment=environment)
    text = done.stdout + done.stderr
    assert done.returncode in (1, 2), text
    assert [text.count(said) for said in expected] == [1] * len(expected), text
    assert "Traceback" not in text
    assert cloud.journal()[before:] == []


def test_every_playbook_begins_with_the_check() -> None:
    """A new playbook cannot forget it: this test goes over all of them."""
    for name in PLAYBOOKS:
        first = yaml.safe_load((ROOT / name).read_text())[0]
        if name != f"playbooks/{FIRST}":
            assert Path(first["ansible.builtin.import_playbook"]).name == FIRST, name


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_wrong_variables_end_every_playbook(cloud: Endpoint, playbook: str) -> None:
    """All of them are told at once. An unset variable of a pipeline deleted the secrets of all environments."""
    options = ("-e", "env_name=", "-e", "confirm=tandem-", "-e", "access_matrix=none", "-e", "frontend_cout=3")
    said = ("4 problems", "env_name = (empty)", "access_matrix = none", "-e frontend_count=3")
    refused(cloud, playbook, (*options, *variables(app_version="1\nFLASK_DEBUG=1")), said)


@pytest.mark.parametrize("given", [
    {"env_name": "*", "region": "", "app_version": 1.10},
    {"env_name": "local/../other", "parameter_path": "/tandem", "teardown_timeout": "soon"},
    {"env_name": "{{ nothere }}", "teardown_environment": "", "confirm": "tandem-"},
    {"env_name": ["local"], "project": "tandem?"},
    {"state_dir": "/"},
])  # fmt: skip
def test_no_variable_reaches_further_than_its_environment(cloud: Endpoint, given: dict[str, Any]) -> None:
    """Through the playbook that deletes. The collection's test_settings.py tries each rule with more."""
    wrong = {name: value for name, value in given.items() if name != "confirm"}
    said = [f"{name} = {'(empty)' if value == '' else value}" for name, value in wrong.items()]
    count = "1 problem," if len(said) == 1 else f"{len(said)} problems"
    refused(cloud, "playbooks/teardown.yml", variables(**given), (count, *said))


@pytest.mark.parametrize("inventory", ["inventory/nowhere", "localhost,", "/dev/null"])
def test_an_inventory_that_is_not_there_ends_the_run(cloud: Endpoint, inventory: str) -> None:
    refused(cloud, "playbooks/teardown.yml", ("-e", "confirm=tandem-main"), (inventory,), inventory)


@pytest.mark.parametrize(
    ("playbook", "arguments", "said"),
    [
        (
            "playbooks/deploy.yml",
            ["--limit", "localhost", "--tags", "docker"],
            ["--limit = localhost", "--tags = docker"],
        ),
        ("site.yml", ["--tags", "netwrok,verify"], ["--tags = netwrok", "fix:     --tags network"]),
        ("playbooks/provision.yml", ["--skip-tags", "verify"], ["--skip-tags = verify", "allowed: database, hosts,"]),
    ],
)
def test_a_part_that_there_is_not_is_refused(
    cloud: Endpoint, playbook: str, arguments: list[str], said: list[str]
) -> None:
    done = run(cloud, playbook, *arguments)
    assert done.returncode != 0
    for words in said:
        assert (done.stdout + done.stderr).count(words) == 1, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"},
            "AWS credentials",
        ),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "region = us-east-1"),
    ],
)
def test_an_account_that_does_not_answer_is_told_once(cloud: Endpoint, environment: dict[str, str], said: str) -> None:
    refused(cloud, "playbooks/status.yml", (), ("1 problem,", said), environment=environment)


def test_variables_as_they_should_be_are_let_through(cloud: Endpoint) -> None:
    given = variables(env_name="try1", app_version="1.10", confirm="tandem-try1", ansible_verbosity=0)
    done = run(cloud, "playbooks/teardown.yml", *given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing of tandem-try1 is left" in done.stdout
    assert cloud.client("ssm").get_parameter(Name="/tandem/other/secret")["Parameter"]["Version"] == 1
