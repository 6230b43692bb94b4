"""Real instances: SSH, user data, console, stop, start, reboot, shutdown from inside."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker.errors import APIError

from lab import ANYWHERE, Lab, soon, standard_vpc
from localcloud.contract.topology import Instance, Rule, SecurityGroup
from localcloud.dataplane.instances import host
from localcloud.dataplane.instances.instances import Instances
from localcloud.dataplane.network.metadata import Metadata
from localcloud.machine import images

pytestmark = pytest.mark.cloud

ID = "i-0000000000000web1"
PATIENCE = 90
USER_DATA = b"#!/bin/sh\necho user data speaks\necho once >> /root/runs\n"


class Ec2:
    """One instance with the public address of web1, and SSH to it from the operator's address."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.key = folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        vpc = standard_vpc()
        operator = Rule("ingress", "tcp", 22, 22, cidr="198.18.0.10/32")
        ssh = SecurityGroup("sg-ssh", "ssh", vpc.id, (ANYWHERE, operator))
        web1 = replace(vpc.interfaces[0], group_ids=("sg-web", "sg-ssh"), owner="instance", owner_id=ID)
        lab.apply(replace(vpc, groups=(*vpc.groups, ssh), interfaces=(web1, *vpc.interfaces[1:])))
        self.instances = Instances(lab.settings, lab.reality, lab.network)
        self.metadata = Metadata(lab.settings, lab.reality)
        self.instance = Instance(
            ID, "us-east-1", "us-east-1a", vpc.id, "eni-web1", "ami-1", "t3.micro", 1024, "running",
            key_name="ops", public_key=self.key.with_suffix(".pub").read_text(), user_data=USER_DATA,
        )  # fmt: skip

    def want(self, **changes) -> None:
        self.instance = replace(self.instance, **changes)
        self.lab.topology = replace(self.lab.topology, instances=(self.instance,))
        self.metadata.reconcile(self.lab.topology)
        self.instances.reconcile(self.lab.topology)

    def wait(self, condition: Callable[[], bool]) -> None:
        assert self.lab.reality.wait_for(condition, PATIENCE), f"{self.lab.reality.failure(ID)}\n{self.console}"

    def wait_until_ready(self) -> None:
        self.wait(lambda: self.lab.reality.ready(ID))

    def wait_until_gone(self) -> None:
        self.wait(lambda: not self.lab.reality.ready(ID))

    @property
    def console(self) -> str:
        return self.lab.reality.console(ID)

    def ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        options += ["-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-i", str(self.key)]
        inside = ["nsenter", f"--net=/run/netns/{self.lab.internet}"]
        line = [*inside, "ssh", *options, "admin@198.18.128.10", command]
        return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)

    def say(self, command: str) -> str:
        done = self.ssh(command)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def ec2(lab: Lab, tmp_path: Path) -> Iterator[Ec2]:
    images.ensure(print)
    made = Ec2(lab, tmp_path)
    try:
        yield made
    finally:
        made.instances.close()
        made.metadata.close()


def test_a_hosts_life(ec2: Ec2) -> None:
    """Many checks share a boot, because it takes seconds."""
    ec2.want()
    ec2.wait_until_ready()
    first_boot(ec2)
    metadata(ec2)
    reboot_by_the_api(ec2)
    reboot_from_inside(ec2)
    stop_and_start(ec2)
    shut_down_from_inside(ec2)
    terminate(ec2)


def first_boot(ec2: Ec2) -> None:
    assert ec2.say("hostname -f") == "ip-10-0-1-10.ec2.internal"
    assert ec2.say("systemctl is-system-running --wait") == "running"
    assert ec2.say("sudo id -u") == "0"
    assert ec2.say("sudo cat /root/runs") == "once"
    assert "nameserver 10.0.0.2" in ec2.say("cat /etc/resolv.conf")
    fingerprint = ec2.say("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    shown = ec2.console.partition("-----BEGIN SSH HOST KEY FINGERPRINTS-----")[2]
    assert fingerprint in shown.partition("-----END SSH HOST KEY FINGERPRINTS-----")[0]
    assert soon(lambda: "user data speaks" in ec2.console)


def metadata(ec2: Ec2) -> None:
    token = "$(curl -sX PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)"
    ask = f'curl -s -H "X-aws-ec2-metadata-token: {token}" http://169.254.169.254/latest/meta-data/instance-id'
    assert ec2.say(ask) == ID


def reboot_by_the_api(ec2: Ec2) -> None:
    ec2.say("sudo touch /root/kept; touch /run/user/1000/lost")
    ec2.want(boots=2)
    ec2.wait_until_gone()
    ec2.wait_until_ready()
    assert ec2.say("sudo ls /root/kept; ls /run/user/1000/lost 2>&1 || true").startswith(
        "/root/kept\nls: cannot access"
    )
    assert ec2.say("sudo cat /root/runs") == "once", "user data runs once in a host's life"


def reboot_from_inside(ec2: Ec2) -> None:
    ec2.ssh("sudo systemctl reboot")
    ec2.wait_until_gone()
    ec2.wait_until_ready()
    assert ec2.say("true") == ""


def stop_and_start(ec2: Ec2) -> None:
    ec2.want(wanted="stopped")
    ec2.wait_until_gone()
    assert not ec2.lab.is_plugged("eni-web1"), "nothing is there that could answer"
    assert ec2.ssh("true").returncode == 255
    ec2.want(wanted="running", boots=3)
    ec2.wait_until_ready()
    assert ec2.say("sudo cat /root/runs") == "once"


def shut_down_from_inside(ec2: Ec2) -> None:
    ec2.ssh("sudo poweroff")
    ec2.wait(lambda: ec2.lab.reality.powered_off(ID))
    ec2.want()
    assert not ec2.lab.reality.ready(ID), "it stays off"
    ec2.want(wanted="stopped")
    ec2.want(wanted="running", boots=4)
    ec2.wait_until_ready()


def terminate(ec2: Ec2) -> None:
    assert ec2.lab.is_plugged("eni-web1")
    ec2.want(wanted="terminated")
    ec2.wait_until_gone()
    assert not ec2.lab.is_plugged("eni-web1")
    name = ec2.lab.settings.container(ID)
    assert soon(lambda: name not in _names("ps", "-a", "--format", "{{.Names}}"))
    assert soon(lambda: f"{name}-docker" not in _names("volume", "ls", "-q"))


def test_what_fails_at_the_first_attempt_is_made_whole_at_the_next(ec2: Ec2, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker on a busy machine: one host is created without key and user data, the next one does not start."""
    failures = {"its disk", "its start"}
    seed, start = host._seed, host.Host.start

    def fails_once(what: str) -> None:
        if what in failures:
            failures.remove(what)
            raise APIError("too slow")

    def seeded(instance: Instance) -> bytes:
        fails_once("its disk")
        return seed(instance)

    def started(self: host.Host) -> None:
        fails_once("its start")
        start(self)

    monkeypatch.setattr(host, "_seed", seeded)
    monkeypatch.setattr(host.Host, "start", started)
    ec2.want()
    ec2.wait_until_ready()
    assert not failures
    assert ec2.say("sudo cat /root/runs") == "once"


def test_the_key_decides_who_may_log_in(ec2: Ec2) -> None:
    """The twin of the logins above: the same host with another key refuses them."""
    ec2.want(public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPWfGuGLV5Y66nhkMBwBWWPLJRis+4d2f+xtqOliLVn4 other")
    ec2.wait_until_ready()
    done = ec2.ssh("true")
    assert done.returncode == 255
    assert "Permission denied" in done.stderr


def _names(*command: str) -> list[str]:
    return subprocess.run(["docker", *command], capture_output=True, text=True, check=True).stdout.split()
