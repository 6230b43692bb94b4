"""The deployment that mutants break: its clients, its identifiers by name, commands on its hosts."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).parents[2]
# Ansible as it was installed with this interpreter, whether or not its folder is in PATH.
BIN = Path(sys.executable).parent
VARIABLES = (
    "env_name",
    "app_version",
    "release_surge",
    "frontend_count",
    "backend_count",
    "name_prefix",
    "region",
    "state_dir",
    "parameter_path",
    "db_name",
    "db_master_username",
    "frontend_port",
    "backend_port",
)


def operator_environment() -> dict[str, str]:
    """Environment of playbooks: with the access key of OPERATOR_AWS_… where there is one (see tests/whole/operator.py)."""
    given = {name: value for name, value in os.environ.items() if name.startswith("OPERATOR_AWS_")}
    return {**os.environ, **{name.removeprefix("OPERATOR_"): value for name, value in given.items()}}


class DeploymentError(RuntimeError):
    """A command on the deployment failed; the message has what it said."""


class Deployment:
    """One environment, by its inventory. Everything is found by name; nothing is remembered between mutants."""

    def __init__(self, inventory: str, extra: list[str]) -> None:
        self.inventory = inventory
        self.extra = extra
        self.variables = self._variables()
        self.prefix: str = self.variables["name_prefix"]
        region = self.variables["region"]
        self.ec2: Any = boto3.client("ec2", region_name=region)
        self.elbv2: Any = boto3.client("elbv2", region_name=region)
        self.rds: Any = boto3.client("rds", region_name=region)
        self.ssm: Any = boto3.client("ssm", region_name=region)

    def playbook(self, path: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a playbook on the environment."""
        command = [str(BIN / "ansible-playbook"), "-i", self.inventory, path, *self.extra, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=operator_environment(), capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise DeploymentError(f"{' '.join(command)}: {done.stdout[-3000:]}")
        return done

    def _variables(self) -> dict[str, Any]:
        wanted = "{{ {" + ", ".join(f"'{name}': {name}" for name in VARIABLES) + "} }}"
        command = [
            str(BIN / "ansible"),
            "localhost",
            "-i",
            self.inventory,
            "-m",
            "ansible.builtin.debug",
            "-a",
            f"msg={wanted}",
        ]
        environment = {**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
        done = subprocess.run(
            [*command, *self.extra], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DeploymentError(f"the variables of {self.inventory} cannot be read: {done.stdout}{done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])["msg"]
        return found

    # -- identifiers ----------------------------------------------------------------------------------
    @cached_property
    def vpc(self) -> str:
        """The VPC's id."""
        found = self.ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [f"{self.prefix}-vpc"]}])["Vpcs"]
        return str(found[0]["VpcId"])

    def instance(self, name: str) -> dict[str, Any]:
        """An instance by its name, as EC2 describes it."""
        filters = [
            {"Name": "vpc-id", "Values": [self.vpc]},
            {"Name": "tag:Name", "Values": [name]},
            {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
        ]
        found: dict[str, Any] = self.ec2.describe_instances(Filters=filters)["Reservations"][0]["Instances"][0]
        return found

    def group(self, tier: str) -> str:
        """The id of a tier's security group."""
        filters = [
            {"Name": "vpc-id", "Values": [self.vpc]},
            {"Name": "group-name", "Values": [f"{self.prefix}-{tier}", f"{self.prefix}-{tier.replace('_', '-')}"]},
        ]
        return str(self.ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"])

    def route_table(self, name: str) -> dict[str, Any]:
        """A route table by its short name."""
        filters = [{"Name": "tag:Name", "Values": [f"{self.prefix}-{name}"]}]
        found: dict[str, Any] = self.ec2.describe_route_tables(Filters=filters)["RouteTables"][0]
        return found

    def subnet(self, name: str) -> str:
        """The id of a subnet by its short name."""
        filters = [{"Name": "tag:Name", "Values": [f"{self.prefix}-{name}"]}]
        return str(self.ec2.describe_subnets(Filters=filters)["Subnets"][0]["SubnetId"])

    def balancer(self, name: str) -> dict[str, Any]:
        """A load balancer by its short name (public, internal)."""
        found: dict[str, Any] = self.elbv2.describe_load_balancers(Names=[f"{self.prefix}-{name}"])["LoadBalancers"][0]
        return found

    def listener(self, name: str) -> str:
        """The ARN of a load balancer's only listener."""
        balancer = self.balancer(name)["LoadBalancerArn"]
        [found] = self.elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
        return str(found["ListenerArn"])

    def target_group(self, tier: str) -> str:
        """The ARN of a tier's target group."""
        groups = self.elbv2.describe_target_groups(Names=[f"{self.prefix}-{tier}"])["TargetGroups"]
        return str(groups[0]["TargetGroupArn"])

    @property
    def database(self) -> str:
        """The identifier of the database instance."""
        return f"{self.prefix}-database"

    def secret(self, name: str) -> str:
        """The value of a parameter below the environment's path."""
        path = f"{self.variables['parameter_path']}/{name}"
        return str(self.ssm.get_parameter(Name=path, WithDecryption=True)["Parameter"]["Value"])

    # -- hosts ----------------------------------------------------------------------------------------
    def run(self, host: str, *command: str, text: str = "") -> str:
        """Run a command as root on a host, with `text` as its standard input. Raises DeploymentError."""
        ssh = ["ssh", "-F", f"{self.variables['state_dir']}/ssh/config", host, shlex.join(["sudo", *command])]
        done = subprocess.run(ssh, input=text, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise DeploymentError(f"{host}: {shlex.join(command)}: {done.stderr.strip()[-500:]}")
        return done.stdout

    def application(self, host: str) -> str:
        """The name of the running application container of a host."""
        tier = host.rsplit("-", 1)[0]
        names = self.run(host, "docker", "ps", "--filter", f"name=^{tier}", "--format", "{{.Names}}").split()
        return names[0]

    # -- conditions -----------------------------------------------------------------------------------
    def wait(self, what: str, condition: Callable[[], object], seconds: int = 180) -> None:
        """Wait until the condition holds. Raises DeploymentError, with its last value, when it does not in time."""
        end, value = time.monotonic() + seconds, condition()
        while not value:
            if time.monotonic() > end:
                raise DeploymentError(f"{what}: not after {seconds} s; last seen: {value!r}")
            time.sleep(0.5)
            value = condition()

    def healthy(self) -> bool:
        """Whether every registered target of both tiers is healthy."""
        states = [
            description["TargetHealth"]["State"]
            for tier in ("frontend", "backend")
            for description in self.elbv2.describe_target_health(TargetGroupArn=self.target_group(tier))[
                "TargetHealthDescriptions"
            ]
        ]
        return bool(states) and set(states) == {"healthy"}

    def settle(self) -> None:
        """Wait until the deployment serves again after an undo."""
        self.wait("all targets healthy", self.healthy)

    @contextmanager
    def rule(self, tier: str, direction: str, port: int, **peer: Any) -> Iterator[None]:
        """One more rule in a tier's group. peer: cidr, or group (a tier)."""
        ways = {
            "ingress": (self.ec2.authorize_security_group_ingress, self.ec2.revoke_security_group_ingress),
            "egress": (self.ec2.authorize_security_group_egress, self.ec2.revoke_security_group_egress),
        }
        add, remove = ways[direction]
        permission = rule(port, peer.get("cidr"), self.group(peer["group"]) if "group" in peer else None)
        add(GroupId=self.group(tier), IpPermissions=[permission])
        try:
            yield
        finally:
            remove(GroupId=self.group(tier), IpPermissions=[permission])


def rule(port: int, cidr: str | None = None, group_id: str | None = None) -> dict[str, Any]:
    """A TCP permission as EC2 takes it."""
    side = {"IpRanges": [{"CidrIp": cidr}]} if cidr else {"UserIdGroupPairs": [{"GroupId": group_id}]}
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **side}
