"""The `localcloud` command: a whole cloud, a second one beside it, kills, mistakes."""

from __future__ import annotations

import importlib.metadata
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import soon
from localcloud import clouds
from localcloud.machine import locks
from localcloud.testing import Cloud, kept

pytestmark = pytest.mark.cloud

NAME, OTHER = "tcmd", "tcmd-other"  # one name is a prefix of the other
# Creates resources of every kind (VPC, instance, volume, database, load balancer). Prints the instance's ID.
POPULATE = """
import boto3
ec2, rds, elb = (boto3.client(name) for name in ("ec2", "rds", "elbv2"))
zones = [f"{ec2.meta.region_name}{letter}" for letter in "ab"]
vpc = ec2.create_vpc(CidrBlock="10.61.0.0/16")["Vpc"]["VpcId"]
gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.61.{n}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
           for n, zone in enumerate(zones)]
image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])["Images"][0]["ImageId"]
host = ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnets[0])
rds.create_db_subnet_group(DBSubnetGroupName="all", DBSubnetGroupDescription="all", SubnetIds=subnets)
rds.create_db_instance(DBInstanceIdentifier="main", Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20,
                       MasterUsername="master", MasterUserPassword="Correct-horse-9", DBSubnetGroupName="all")
elb.create_load_balancer(Name="front", Subnets=subnets, Scheme="internal")
rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="main", WaiterConfig={"Delay": 1})
ec2.get_waiter("instance_running").wait(InstanceIds=[host["Instances"][0]["InstanceId"]], WaiterConfig={"Delay": 1})
print(host["Instances"][0]["InstanceId"])
"""


@pytest.fixture(autouse=True)
def _signals_as_in_a_terminal() -> Iterator[None]:
    """Background processes may ignore these signals, and their children would inherit that."""
    before = [signal.signal(signal.SIGINT, signal.default_int_handler), signal.signal(signal.SIGHUP, signal.SIG_DFL)]
    yield
    for number, handler in zip((signal.SIGINT, signal.SIGHUP), before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A cloud that is down before and after the test."""
    yield from ended(NAME)


@pytest.fixture
def other() -> Iterator[Cloud]:
    yield from ended(OTHER)


@pytest.fixture(scope="module")
def running() -> Iterator[Cloud]:
    """A cloud that is up, for tests that change nothing."""
    for made in ended("tcmd-up"):
        made.localcloud("up")
        yield made


def ended(name: str) -> Iterator[Cloud]:
    made = Cloud(name)
    made.localcloud("down")
    try:
        yield made
    finally:
        made.localcloud("down")


def daemon(cloud: Cloud) -> int | None:
    settings = clouds.find(cloud.name)
    return clouds.daemon_pid(settings) if settings else None


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return done.stdout.splitlines()


# -- up and down ------------------------------------------------------------------------------------------


def test_a_killed_cloud_is_taken_down_whole_and_its_neighbour_is_not_touched(cloud: Cloud, other: Cloud) -> None:
    cloud.localcloud("up")
    other.localcloud("up")
    instance = cloud.exec(sys.executable, "-c", POPULATE).stdout.strip()
    assert instance.startswith("i-"), instance
    forgotten = subprocess.Popen(command("exec", "--", "sleep", "600"), env=cloud.environment)
    neighbour, status = kept(other.name), other.status()
    os.kill(daemon(cloud) or 0, signal.SIGKILL)
    before = kept(cloud.name)
    before["processes"] = before["processes"] or [str(forgotten.pid)]
    assert all(before.values()), before
    cloud.localcloud("down")
    assert not any(kept(cloud.name).values()), kept(cloud.name)
    assert forgotten.wait(10) == -signal.SIGTERM, "a command that `exec` had started ends with its internet"
    assert kept(other.name) == neighbour
    assert other.status() == status
    assert other.exec("true").returncode == 0
    assert json.loads(cloud.localcloud("down", "--json").splitlines()[-1]) == {"changed": False}


def test_up_on_a_running_cloud_changes_nothing_and_other_settings_are_refused(running: Cloud) -> None:
    before, pid = kept(running.name), daemon(running)
    result = json.loads(running.localcloud("up", "--json").splitlines()[-1])
    assert result["changed"] is False
    assert (kept(running.name), daemon(running)) == (before, pid)
    done = running._run(command("up", "--port", "1024"), 60)
    assert done.returncode == 1
    assert "--port=1024" in done.stdout
    assert "localcloud down, then localcloud up" in done.stdout


@pytest.mark.parametrize("moment", ["registered", "daemon"])
def test_up_after_an_up_that_was_killed(cloud: Cloud, moment: str) -> None:
    """Killed before or just after it started the daemon: the next `up` reuses or removes the leftovers."""
    first = subprocess.Popen(command("up"), env=cloud.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert soon(lambda: clouds.find(cloud.name) if moment == "registered" else daemon(cloud)), moment
    first.kill()
    first.wait()
    cloud.localcloud("up")
    assert len([process for process in kept(cloud.name)["processes"] if "localcloud.daemon" in process]) == 1
    assert cloud.exec("true").returncode == 0


def test_two_ups_at_once_make_one_cloud(cloud: Cloud) -> None:
    both = [
        subprocess.Popen(
            command("up", "--json"), env=cloud.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    changes = [json.loads(process.communicate(timeout=120)[0])["changed"] for process in both]
    assert sorted(changes) == [False, True]
    assert len([process for process in kept(cloud.name)["processes"] if "localcloud.daemon" in process]) == 1


def test_an_up_that_is_interrupted_leaves_nothing(cloud: Cloud) -> None:
    first = subprocess.Popen(command("up"), env=cloud.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert soon(lambda: daemon(cloud))
    first.send_signal(signal.SIGINT)
    assert first.wait(60) != 0
    assert not any(kept(cloud.name).values()), kept(cloud.name)


def test_a_port_that_is_taken_is_said_in_one_line_and_nothing_is_made(cloud: Cloud) -> None:
    port = int(cloud.environment["LOCALCLOUD_PORT"])
    with socket.create_server(("127.0.0.1", port)):
        done = cloud._run(command("up"), 60)
    assert done.returncode == 1
    assert lines(done) == [
        f"Error: --port={port}: cannot listen on this port (Address already in use). "
        f"Choose another, for example: localcloud up --port {port + 1}"
    ]
    assert not any(kept(cloud.name).values())


def test_a_lock_has_one_holder_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "FOLDER", tmp_path)
    inside, most = [], 0

    def work() -> None:
        nonlocal most
        for _ in range(50):
            with locks.held("one"):
                inside.append(1)
                most = max(most, len(inside))
                time.sleep(0.0001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert list(tmp_path.iterdir()) == []


# -- exec -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "status"), [
    (("true",), 0), (("sh", "-c", "exit 42"), 42), (("no-such-command",), 127), (("/etc/passwd",), 126),
])  # fmt: skip
def test_the_status_of_exec_is_the_commands_own(running: Cloud, words: tuple[str, ...], status: int) -> None:
    assert running.exec(*words).returncode == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGHUP])
def test_signals_reach_the_command(running: Cloud, number: signal.Signals) -> None:
    ready = "import time; print('ready', flush=True); time.sleep(60)"
    if number == signal.SIGINT:
        ready = f"import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); {ready}"
    process = subprocess.Popen(
        command("exec", "--", sys.executable, "-c", ready), env=running.environment, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    assert process.wait(20) == -number


def test_exec_gives_input_through_and_needs_no_terminal(running: Cloud) -> None:
    """Cloud.exec has no terminal; if there is one, the command gets it."""
    done = subprocess.run(
        command("exec", "--", "cat"), env=running.environment, input="hello", capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == "hello"
    assert "not a tty" in running.exec("tty").stdout
    mine, theirs = pty.openpty()
    subprocess.run(command("exec", "--", "tty"), env=running.environment, stdin=theirs, stdout=theirs, check=True)
    assert b"/dev/pts/" in os.read(mine, 100)


def test_options_after_the_command_are_the_commands(running: Cloud) -> None:
    assert running.exec("sh", "-c", 'echo "$@"', "x", "--help", "--json", "--").stdout == "--help --json --\n"


def test_in_exec_names_resolve_and_aws_means_this_cloud(running: Cloud) -> None:
    seen = dict(line.split("=", 1) for line in lines(running.exec("env")) if "=" in line)
    assert seen["AWS_ENDPOINT_URL"] == "http://198.18.0.1:4566"
    assert seen["LOCALCLOUD_NAME"] == running.name
    assert Path(seen["LOCALCLOUD_DB_CA"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert running.exec("getent", "hosts", "checkip.amazonaws.com").stdout.split()[0] == "198.18.0.1"
    assert running.exec("getent", "hosts", "example.com").returncode != 0


@pytest.mark.parametrize("program", ["aws", str(Path(sys.executable).with_name("aws"))])
def test_the_command_line_of_this_environment_talks_to_this_cloud(running: Cloud, program: str) -> None:
    """Without the plugin from `exec`, version 1 would send this call to the real AWS."""
    done = running.exec(program, "rds", "describe-db-instances", "--output", "json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout) == {"DBInstances": []}
    without = running.exec(
        "env", "-u", "AWS_CONFIG_FILE", "AWS_MAX_ATTEMPTS=1", program, "rds", "describe-db-instances"
    )
    assert without.returncode != 0, "the twin: without the plugin it finds no cloud"


def test_the_command_line_is_installed_with_the_local_cloud() -> None:
    assert "awscli" in (importlib.metadata.requires("tandem-localcloud") or ())


# -- reports and mistakes ---------------------------------------------------------------------------------


def test_status_and_journal_are_for_programs_too(running: Cloud) -> None:
    assert running.exec("aws", "ec2", "describe-vpcs").returncode == 0
    status = running.status()
    assert status["name"] == running.name
    assert status["leaked_packets"] == 0
    assert {"vpcs", "instances", "load_balancers", "databases", "security_groups"} <= status.keys()
    call = running.journal()[-1]
    assert (call["service"], call["action"], call["mutating"]) == ("ec2", "DescribeVpcs", False)
    assert {"time", "region", "status", "error", "latency_ms"} <= call.keys()
    assert running.name in running.localcloud("status")


@pytest.mark.parametrize("what", ["", "up", "down", "status", "exec", "journal", "faults", "api", "actions"])
def test_help_says_what_a_command_does(what: str) -> None:
    done = subprocess.run(command(*what.split(), "--help"), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: ")
    options = [line for line in done.stdout.splitlines() if line.startswith("  -") and "--help" not in line]
    assert all(len(line.split("  ")) > 2 or line.endswith("…") for line in options), "every option says what it does"
    assert len(done.stdout.splitlines()) > 4


@pytest.mark.parametrize(("words", "environment", "status", "message"), [
    (("up", "--prot", "1"), {}, 2, "No such option '--prot'. Did you mean '--port'?"),
    (("upp",), {}, 2, "No such command 'upp'."),
    (("exec",), {}, 2, "Missing argument 'COMMAND...'."),
    (("up",), {"LOCALCLOUD_PORT": "x"}, 2, "'x': use 1 to 65535, for example --port 8081 or LOCALCLOUD_PORT=8081"),
    (("up", "--aws-time", "0"), {}, 1, "aws_time=0.0: use more than 0, at most 10"),
    (("faults", "--throttle", "2"), {}, 2, "'--throttle': 2.0 is not in the range 0<=x<=1"),
    (("faults", "--service", "("), {}, 2, "'(' is not a regular expression"),
    (("api", "--port", "x"), {}, 2, "'--port': 'x' is not a valid int"),
    (("api", "--aws-time", "0"), {}, 1, "aws_time=0.0: use more than 0, at most 10"),
    (("actions", "ec3"), {}, 2, "'ec3' is not part of the local cloud; choose from account, acm,"),
    (("status",), {"LOCALCLOUD_NAME": "Bad name"}, 1, "LOCALCLOUD_NAME='Bad name': use 2 to 20 lower-case letters"),
    *(((what,), {"LOCALCLOUD_NAME": "not-there"}, 1, "'not-there' is not running. Start it with: localcloud up")
      for what in ("status", "journal", "faults")),
])  # fmt: skip
def test_a_mistake_is_one_line(words: tuple[str, ...], environment: dict[str, str], status: int, message: str) -> None:
    everything = {**os.environ, **environment}
    done = subprocess.run(command(*words), env=everything, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [("up",), ("down",), ("status",), ("exec", "--", "true"), ("journal",)])
def test_without_root_it_says_so(words: tuple[str, ...]) -> None:
    program = f"""
import os, sys
from localcloud import cli
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.argv = ["localcloud", *{words!r}]
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines() == [
        "Error: the local cloud needs root, because it creates network namespaces and firewall tables. "
        f"Run `sudo -s`, then again: localcloud {' '.join(words)}"
    ]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "localcloud.cli", *words]
