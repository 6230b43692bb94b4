"""provision.yml where parameters were lost: what the API alone can bring back, and what is refused before anything is made."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from localcloud.testing import Endpoint

from .conftest import Playbook

PATH = "/tandem/local/"
KEY, MASTER, APPLICATION = PATH + "ssh/private-key", PATH + "database/master-password", PATH + "database/app-password"


def values(cloud: Endpoint) -> dict[str, str]:
    pages = (
        cloud.client("ssm")
        .get_paginator("get_parameters_by_path")
        .paginate(Path=PATH.rstrip("/"), Recursive=True, WithDecryption=True)
    )
    return {parameter["Name"]: parameter["Value"] for page in pages for parameter in page["Parameters"]}


def lose(cloud: Endpoint, *names: str) -> None:
    cloud.client("ssm").delete_parameters(Names=list(names))


def since(cloud: Endpoint, calls: int) -> Counter[str]:
    return Counter(call["action"] for call in cloud.journal(mutating=True)[calls:])


def test_lost_parameters(playbook: Playbook, cloud: Endpoint, tmp_path: Path) -> None:
    made = playbook("provision")
    assert made.returncode == 0, made.stdout
    before = values(cloud)

    lose(cloud, KEY, MASTER, APPLICATION)
    calls = len(cloud.journal(mutating=True))
    foretold = playbook("provision", "--check")
    assert foretold.returncode == 0, foretold.stdout
    assert since(cloud, calls) == {}

    back = playbook("provision")
    assert back.returncode == 0, back.stdout
    assert all(f"Lost: {name}" in back.stdout for name in (KEY, MASTER, APPLICATION)), back.stdout
    after = values(cloud)
    assert after[KEY] == before[KEY]
    assert after[MASTER] != before[MASTER]
    assert APPLICATION not in after, "a new one would be refused to the backends that run: deploy.yml asks them first"
    assert since(cloud, calls) == {"PutParameter": 3, "ModifyDBInstance": 1, "DeleteParameter": 1}
    assert not set(before.values()) & set(back.stdout.split())

    calls = len(cloud.journal(mutating=True))
    again = playbook("provision")
    assert again.returncode == 0, again.stdout
    assert since(cloud, calls) == {}

    a_run_that_was_killed_goes_on(playbook, cloud)
    without_a_key_that_fits_nothing_is_made(playbook, cloud, tmp_path)
    without_hosts_a_new_key_takes_its_place(playbook, cloud, before[KEY])


def a_run_that_was_killed_goes_on(playbook: Playbook, cloud: Endpoint) -> None:
    """Between the database and the parameter: what lies beside its place is what the database has."""
    new: dict[str, Any] = {"Name": MASTER + "-next", "Value": "x" * 32, "Type": "SecureString"}
    cloud.client("ssm").put_parameter(**new)
    assert playbook("provision").returncode == 0
    assert values(cloud)[MASTER] == new["Value"]
    assert new["Name"] not in values(cloud)


def without_a_key_that_fits_nothing_is_made(playbook: Playbook, cloud: Endpoint, folder: Path) -> None:
    lose(cloud, KEY, MASTER)
    calls = len(cloud.journal(mutating=True))
    refused = playbook("provision", "-e", f"secrets_ssh_copy={folder}/none")
    assert refused.returncode != 0
    assert "Nothing has been made. Run site.yml on a machine that has reached the hosts" in " ".join(
        refused.stdout.split()
    )
    assert since(cloud, calls) == {}


def without_hosts_a_new_key_takes_its_place(playbook: Playbook, cloud: Endpoint, before: str) -> None:
    ec2 = cloud.client("ec2")
    hosts = ec2.describe_instances()["Reservations"]
    ec2.terminate_instances(InstanceIds=[item["InstanceId"] for host in hosts for item in host["Instances"]])
    [old] = ec2.describe_key_pairs()["KeyPairs"]
    assert playbook("provision").returncode == 0
    [new] = ec2.describe_key_pairs()["KeyPairs"]
    assert new["KeyFingerprint"] != old["KeyFingerprint"]
    assert values(cloud)[KEY] != before
