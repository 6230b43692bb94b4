"""The deployment's four hosts on a local cloud, created with boto3, and requests to them from its internet."""

from __future__ import annotations

import functools
import json
import subprocess
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import dns.resolver
import psycopg2

from lab import soon
from localcloud import clouds
from localcloud.machine import namespaces
from localcloud.testing import Cloud, Stack

NAME = "tstack"
PASSWORD = "Correct-horse-9"
SECONDS = 90
APP = Path(__file__).with_name("guest_app.py")
QUICK = {"Delay": 1, "MaxAttempts": SECONDS}
USER_DATA = """#!/bin/sh
cat > /opt/ca.pem <<'END'
{authority}
END
cat > /opt/app.py <<'END'
{app}
END
cat > /etc/systemd/system/app.service <<'END'
[Service]
ExecStart=/usr/bin/python3 /opt/app.py {name} {port}
Restart=always
[Install]
WantedBy=multi-user.target
END
systemctl enable --now app.service
"""


def from_internet[**P, T](work: Callable[P, T]) -> Callable[P, T]:
    """Run the function with its sockets in the simulated internet."""

    @functools.wraps(work)
    def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        return namespaces.inside(f"{NAME}-internet", lambda: work(*args, **kwargs))

    return inside


class FourHosts:
    """Responses come from the app on the hosts (see guest_app): {name, run, found}."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        settings = clouds.find(cloud.name)
        assert settings
        self.settings = settings
        self._keys = json.loads((settings.state_dir / "credentials.json").read_text())
        self.stack = Stack(self.client, "tandem", "four")
        self.stack.user_data = self._user_data
        self.ec2, self.elb, self.rds = self.stack.ec2, self.stack.elb, self.stack.rds

    def client(self, service: str, region: str = "us-east-1") -> Any:
        connect: Any = boto3.client
        return connect(
            service, region_name=region, endpoint_url=self.settings.endpoint_url,
            aws_access_key_id=self._keys["access_key_id"], aws_secret_access_key=self._keys["secret_access_key"],
        )  # fmt: skip

    def _user_data(self, name: str) -> str:
        port = 5000 if name.startswith("frontend") else 5001
        authority = (self.settings.state_dir / "pki" / "ca.pem").read_text()
        return USER_DATA.format(authority=authority, app=APP.read_text(), name=name, port=port)

    def make(self) -> FourHosts:
        self.stack.make()
        operator = f"{self.settings.operator_address}/32"
        self.permit("public_alb", 80, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
        self.permit("frontend", 5000, IpRanges=[{"CidrIp": operator}])
        self.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=self.stack.prefix, WaiterConfig=QUICK)
        for tier in ("frontend", "backend"):
            self.await_health(tier, {"healthy": 2})
        return self

    # -- the API --------------------------------------------------------------------------------------
    def permit(self, tier: str, port: int, **peer: Any) -> None:
        self.ec2.authorize_security_group_ingress(**self.rule(tier, port, **peer))

    def revoke(self, tier: str, port: int, **peer: Any) -> None:
        self.ec2.revoke_security_group_ingress(**self.rule(tier, port, **peer))

    def rule(self, tier: str, port: int, **peer: Any) -> dict[str, Any]:
        permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peer}
        return {"GroupId": self.stack.ids[tier], "IpPermissions": [permission]}

    def of(self, tier: str) -> dict[str, Any]:
        """The tier's security group, as the peer of a rule."""
        return {"UserIdGroupPairs": [{"GroupId": self.stack.ids[tier]}]}

    def instance(self, instance: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return found

    def await_instance(self, state: str, *instances: str) -> None:
        self.ec2.get_waiter(f"instance_{state}").wait(InstanceIds=list(instances), WaiterConfig=QUICK)

    def target_group(self, tier: str) -> str:
        names = [f"{self.stack.prefix}-{tier}"]
        return str(self.elb.describe_target_groups(Names=names)["TargetGroups"][0]["TargetGroupArn"])

    def balancer(self, tier: str) -> dict[str, Any]:
        names = [f"{self.stack.prefix}-{tier}"]
        found: dict[str, Any] = self.elb.describe_load_balancers(Names=names)["LoadBalancers"][0]
        return found

    def health(self, group: str) -> dict[str, dict[str, Any]]:
        """{target's id: TargetHealth}."""
        found = self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {description["Target"]["Id"]: description["TargetHealth"] for description in found}

    def await_health(self, tier: str, wanted: dict[str, int]) -> None:
        group = self.target_group(tier)

        def states() -> dict[str, int]:
            return Counter(target["State"] for target in self.health(group).values())

        assert soon(lambda: states() == wanted), self.health(group)

    def endpoint(self, database: str | None = None) -> str:
        wanted = database or self.stack.prefix
        found = self.rds.describe_db_instances(DBInstanceIdentifier=wanted)["DBInstances"][0]
        return str(found["Endpoint"]["Address"])

    def await_database(self, database: str, kind: str = "available") -> None:
        self.rds.get_waiter(f"db_instance_{kind}").wait(DBInstanceIdentifier=database, WaiterConfig=QUICK)

    # -- packets --------------------------------------------------------------------------------------
    def resolve(self, name: str) -> list[str]:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [str(self.settings.resolver_address)]
        return sorted(answer.address for answer in resolver.resolve(name, "A"))

    def get(self, path: str, address: str | None = None, port: int = 80) -> dict[str, Any]:
        """The app's response, by default through the public load balancer. Raises OSError."""
        where = address or self.resolve(self.balancer("frontend")["DNSName"])[0]
        with urllib.request.urlopen(f"http://{where}:{port}{path}", timeout=30) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def status(self, path: str) -> int:
        """The status of the public load balancer's response."""
        try:
            self.get(path)
        except urllib.error.HTTPError as error:
            return error.code
        return 200

    def backend(self, path: str) -> dict[str, Any]:
        """A backend's response to a frontend, through both load balancers."""
        inner = f"http://{self.balancer('backend')['DNSName']}{path}"
        found: dict[str, Any] = self.get(f"/relay?{urlencode({'url': inner})}")["found"]
        return found

    def query(self, sql: str, password: str = PASSWORD, database: str | None = None) -> Any:
        """The first row of a backend's query."""
        asked = {"host": self.endpoint(database), "user": "tandem_master", "password": password, "database": "postgres"}
        return self.backend(f"/query?{urlencode({**asked, 'sql': sql})}")

    def probe(self, host: str, port: int) -> str:
        """The result of a frontend's connection attempt."""
        return str(self.get(f"/probe?{urlencode({'host': host, 'port': port})}")["found"])

    def connect(self, host: str, **options: str) -> Any:
        """A connection to the database from backend-1, with a real client's options."""
        container = self.settings.container(self.stack.ids["backend-1"])
        shown = subprocess.run(
            ["docker", "inspect", "--format", "{{.State.Pid}}", container], capture_output=True, text=True, check=True
        )
        address = self.resolve(host)[0]
        wanted = {
            "host": host,
            "hostaddr": address,
            "user": "tandem_master",
            "password": PASSWORD,
            "dbname": "postgres",
        }
        return namespaces.inside(
            int(shown.stdout), lambda: psycopg2.connect(**{**wanted, **options}, connect_timeout=5)
        )
