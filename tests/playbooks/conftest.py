"""A running API for tests of modules that talk to AWS, and Ansible against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from localcloud.testing import Endpoint, api, without_aws

ROOT = Path(__file__).parents[2]
Playbook = Callable[..., subprocess.CompletedProcess[str]]
# What an organization may demand.
DEMANDED = {
    "extra_tags": {"CostCenter": "42"},
    "permissions_boundary": "arn:aws:iam::123456789012:policy/boundary",
}
# How services say that a user lacks a right.
REFUSALS = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")


@pytest.fixture(scope="module")
def cloud() -> Iterator[Endpoint]:
    with api() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def playbook(cloud: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Playbook:
    """Run a playbook against the API with inventory/local. There are no hosts behind it, hence no console to wait for."""
    state = tmp_path_factory.mktemp("state")

    def run(name: str, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        extra = ["-e", "ssh_host_keys=accept-new", "-e", f"state_dir={state}", "-e", "preflight_docker=false"]
        # Nothing says from which address this machine reaches the internet: it does not.
        extra += ["-e", "admin_cidr=203.0.113.7/32", "-e", json.dumps(DEMANDED)]
        return subprocess.run(
            [ROOT / ".venv/bin/ansible-playbook", "-i", "inventory/local", f"playbooks/{name}.yml", *extra, *arguments],
            cwd=ROOT,
            env={
                **without_aws(),
                **cloud.environment,
                **(environment or {}),
                "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            timeout=600,
        )

    return run


@pytest.fixture(scope="module")
def operator_key(cloud: Endpoint) -> dict[str, str]:
    """Variables with the access key of the operator of docs/operator-policy.json."""
    environment = {**without_aws(), **cloud.environment, "PATH": os.environ["PATH"]}
    hire = [sys.executable, "-m", "tests.whole.operator", "local"]
    hired = subprocess.run(hire, cwd=ROOT, env=environment, capture_output=True, check=True)
    made: dict[str, str] = json.loads(hired.stdout)
    return made


@pytest.fixture(scope="module")
def operator(playbook: Playbook, operator_key: dict[str, str]) -> Playbook:
    """Run a playbook as that operator."""
    return partial(playbook, environment=operator_key)


def since(cloud: Endpoint, calls: int) -> Counter[str]:
    return Counter(call["action"] for call in cloud.journal(mutating=True)[calls:])
