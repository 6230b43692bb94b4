"""Instances with the environment's tags that the deployment did not make: named once, and nothing is written from them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.testing import Endpoint, without_aws
from tests.support.hostile import LOOK_ALIKES, texts

from .conftest import ROOT, Playbook

OWN = ["backend-1", "backend-2", "frontend-1", "frontend-2"]
# Through XML, which AWS's answers are, these do not come.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True)
class Account:
    """marker: a file that exists once a name was run. strangers: instance ID -> tag Name. access: how access.yml ended."""

    cloud: Endpoint
    marker: Path
    strangers: dict[str, str]
    access: subprocess.CompletedProcess[str]
    config: Path


@pytest.fixture(scope="module")
def account(playbook: Playbook, cloud: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Account:
    made = playbook("provision")
    assert made.returncode == 0, made.stdout
    marker = tmp_path_factory.mktemp("marker") / "ran"
    hostile = {label: text for label, text in texts(marker).items() if not CONTROL.search(text)}
    names = [text for label, text in hostile.items() if not label.startswith(("pattern", "control"))]
    assert set(LOOK_ALIKES) < set(names)
    strangers = launch(cloud, names)
    # The names of real hosts and of one that is missing, on what is not the deployment's in one thing or the other.
    cloud.client("ec2").create_key_pair(KeyName="other")
    strangers |= launch(cloud, ["frontend-1", "backend-3"], KeyName="other")
    strangers |= launch(cloud, ["frontend-1", "frontend-3"], IamInstanceProfile=None)
    strangers |= launch(cloud, ["frontend-2", "frontend-4"], tier="backend")
    strangers |= launch(cloud, ["frontend-5"], tier="")
    done = playbook("access")
    [state] = [word.removeprefix("state_dir=") for word in map(str, done.args) if word.startswith("state_dir=")]
    return Account(cloud, marker, strangers, done, Path(state) / "ssh/config")


def launch(cloud: Endpoint, names: list[str], tier: str | None = None, **other: Any) -> dict[str, str]:
    """Instances as the deployment makes them, but for their names, tier and what is `other` (None: left out)."""
    ec2 = cloud.client("ec2")
    named = [{"Name": "tag:Name", "Values": ["frontend-1"]}, {"Name": "tag:Tier", "Values": ["frontend"]}]
    like = ec2.describe_instances(Filters=named)["Reservations"][0]["Instances"][0]
    wish = {
        "ImageId": like["ImageId"],
        "InstanceType": "t2.micro",
        "KeyName": like["KeyName"],
        "IamInstanceProfile": {"Name": "tandem-local-host"},
        "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": like["SubnetId"], "AssociatePublicIpAddress": True}],
        **other,
    }
    found = {}
    for name in names:
        own = tier if tier is not None else "backend" if name.startswith("backend") else "frontend"
        tags = {"Project": "tandem", "Environment": "local", "Name": name} | ({"Tier": own} if own else {})
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        made = ec2.run_instances(
            **{key: value for key, value in wish.items() if value},
            TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}],
            MinCount=1,
            MaxCount=1,
        )["Instances"][0]["InstanceId"]
        found[made] = name
    return found


def silent(config: Path) -> Path:
    """An `ssh` for which no host answers."""
    (folder := config.parent / "bin").mkdir(exist_ok=True)
    (folder / "ssh").write_text("#!/bin/sh\nexit 255\n")
    (folder / "ssh").chmod(0o755)
    return folder / "ssh"


def reaching_nobody(account: Account) -> tuple[str, str]:
    return "-e", f"ansible_ssh_executable={silent(account.config)}"


def ssh(config: Path, host: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The real client; whatever it starts finds an `ssh` that reaches nobody, and the way to a host ends on this machine."""
    folder = silent(config).parent
    return subprocess.run(
        ["/usr/bin/ssh", *options, "-o", "HostName=127.0.0.1", "-o", "Port=1", "-F", config, "--", host, "true"],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_ssh_runs_nothing_that_a_name_says(account: Account) -> None:
    assert account.access.returncode == 0, account.access.stdout + account.access.stderr
    for host in [*OWN, "unknown", "y"]:
        done = ssh(account.config, host, "-G")
        assert done.returncode == 0, done.stderr
        ssh(account.config, host)
        assert not account.marker.exists(), f"ssh {host} ran what an instance's name says"


def test_the_configuration_knows_the_deployments_own_hosts_alone(account: Account) -> None:
    text = account.config.read_text()
    assert sorted(re.findall(r"^Host (\S+) \S+$", text, re.MULTILINE)) == OWN
    assert not [instance for instance in account.strangers if instance in text]
    ids = re.findall(r"HostKeyAlias (\S+)", text)
    assert len(set(ids)) == len(OWN)


def test_strangers_are_named_in_one_message_fit_for_a_terminal(account: Account) -> None:
    said = account.access.stdout + account.access.stderr
    assert said.count("[WARNING]") == 1, said
    message = " ".join(said.partition("[WARNING]")[2].split())
    for instance in account.strangers:
        assert message.replace(" ", "").count(instance) == 1, f"{instance} is not named once: {message}"
    assert said.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", said)


def inventory(cloud: Endpoint, folder: str = "local") -> dict[str, Any]:
    done = subprocess.run(
        [ROOT / ".venv/bin/ansible-inventory", "--list", "-i", f"inventory/{folder}", "-e", "env_name=local"],
        cwd=ROOT,
        env={**without_aws(), **cloud.environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    # What comes from AWS is marked: {"__ansible_unsafe": "i-0123"}.
    return dict(json.loads(done.stdout, object_hook=lambda found: found.get("__ansible_unsafe", found)))


@pytest.mark.parametrize("folder", ["main", "local"])
def test_no_stranger_is_a_host_of_ansible(account: Account, folder: str) -> None:
    found = inventory(account.cloud, folder)
    hosts = found["_meta"]["hostvars"]
    assert sorted(hosts.keys() - {"localhost"}) == OWN
    assert sorted(found["frontend"]["hosts"] + found["backend"]["hosts"]) == OWN
    ids = {host["aws_instance_id"] for name, host in hosts.items() if name in OWN}
    assert not ids & account.strangers.keys()


def test_the_preflight_takes_no_stranger_for_a_host(account: Account, playbook: Playbook) -> None:
    """They are of another instance type, which a host could not become."""
    done = playbook("preflight")
    assert done.returncode == 0, done.stdout


def test_the_status_looks_at_no_stranger(account: Account, playbook: Playbook) -> None:
    """Nobody answers here; Ansible says at the end of whom it asked."""
    bundle = account.config.parent / "bundle.pem"
    bundle.touch()
    done = playbook("status", *reaching_nobody(account), "-e", f"database_ca_bundle_file={bundle}")
    assert re.findall(r"^(\S+) +: ok=.* unreachable=1", done.stdout, re.MULTILINE) == OWN, done.stdout + done.stderr
    assert not account.marker.exists()


def test_host_keys_of_strangers_are_named_and_other_keys_refused(account: Account, playbook: Playbook) -> None:
    ssm, hosts = account.cloud.client("ssm"), inventory(account.cloud)["_meta"]["hostvars"]
    ids = [hosts[name]["aws_instance_id"] for name in OWN]

    def keep(last: str, *more: str) -> subprocess.CompletedProcess[str]:
        """access.yml, with a key of each host in the parameter, that of the first ending so."""
        keys = [f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'A' * 42}{end}" for end in (last, "A", "A", "A")]
        lines = [f"{instance} {key}" for instance, key in zip(ids, keys, strict=True)]
        value = "\n".join([*lines, *more])
        ssm.put_parameter(Name="/tandem/local/ssh/known-hosts", Value=value, Type="String", Overwrite=True)
        return playbook("access", "-e", "ssh_host_keys=console")

    known = account.config.parent / "known_hosts"
    first = keep("A", "* ssh-ed25519 AAAA", "@cert-authority * \x1b[2J", f"{ids[0]} ssh-ed25519 AAAAC3[  1.2] audit")
    assert first.returncode == 0, first.stdout
    assert [line.split()[0] for line in known.read_text().splitlines()] == sorted(ids)
    said = " ".join(first.stderr.split())
    assert (
        "3 lines of the SSM parameter /tandem/local/ssh/known-hosts: * ssh-ed25519 AAAA; @cert-authority * \\x1b[2J;"
        in said
    )
    before = known.read_text()
    second = keep("B")
    assert second.returncode != 0
    assert f"holds other keys of backend-1 ({ids[0]}) than" in " ".join(second.stdout.split())
    assert known.read_text() == before
    subprocess.run(["ssh-keygen", "-R", ids[0], "-f", known], check=True, capture_output=True)
    third = keep("B")
    assert third.returncode == 0, third.stdout
    assert known.read_text() != before


def test_a_second_provision_leaves_strangers_alone_and_says_so(account: Account, playbook: Playbook) -> None:
    """backend-3 and frontend-3 are wanted now: a stranger of that name is not taken for it."""
    mutating = len(account.cloud.journal(mutating=True))
    again = playbook("provision", "-e", "frontend_count=3", "-e", "backend_count=3")
    assert again.returncode == 0, again.stdout
    calls = account.cloud.journal(mutating=True)[mutating:]
    assert [call["action"] for call in calls] == ["RunInstances", "RunInstances"], calls
    hosts = inventory(account.cloud)["_meta"]["hostvars"]
    ids = {hosts[name]["aws_instance_id"] for name in ("frontend-3", "backend-3")}
    assert len(ids) == 2
    assert not ids & account.strangers.keys()


def test_an_instance_that_only_its_subnet_betrays_is_not_acted_on(account: Account, playbook: Playbook) -> None:
    """EC2 has no filter for that, so the inventory may list it; its instance ID gives it away."""
    account.strangers.update(launch(account.cloud, ["backend-2", "backend-4"], NetworkInterfaces=None))
    config = account.config.read_text()
    done = playbook("deploy")
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert re.search(r"The inventory has [^:]*backend-4 \S+ i-\w+\b[^:]* which \S+/ssh/config does not", said), said
    assert account.config.read_text() == config


def test_a_host_with_another_address_is_met_again(account: Account, playbook: Playbook) -> None:
    """As after a stop and a start: deploy.yml goes on, until it wants to reach a host, and nobody answers here."""
    ec2 = account.cloud.client("ec2")
    away = [instance for instance, name in account.strangers.items() if name in ("backend-2", "backend-4")]
    ec2.terminate_instances(InstanceIds=away)
    for instance in away:
        del account.strangers[instance]
    frontend = inventory(account.cloud)["_meta"]["hostvars"]["frontend-1"]["aws_instance_id"]
    allocated = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(AllocationId=allocated["AllocationId"], InstanceId=frontend)
    playbook("deploy", *reaching_nobody(account))
    assert f"HostName {allocated['PublicIp']}\n  HostKeyAlias {frontend}\n" in account.config.read_text()
    ec2.disassociate_address(
        AssociationId=ec2.describe_addresses(PublicIps=[allocated["PublicIp"]])["Addresses"][0]["AssociationId"]
    )
    ec2.release_address(AllocationId=allocated["AllocationId"])


def test_a_teardown_names_them_fit_for_a_terminal_and_deletes_them(account: Account, playbook: Playbook) -> None:
    done = playbook("teardown", "-e", "confirm=tandem-local")
    assert done.returncode == 0, done.stdout
    said = done.stdout + done.stderr
    assert all(instance in said for instance in account.strangers)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\u2028]", said)
    reservations = account.cloud.client("ec2").describe_instances()["Reservations"]
    states = {item["State"]["Name"] for one in reservations for item in one["Instances"]}
    assert states == {"terminated"}
    assert not account.marker.exists()
