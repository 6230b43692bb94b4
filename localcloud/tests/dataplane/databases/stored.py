"""A VPC with a database and a client. Tests change the topology directly."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - the class is named so

from lab import ANYWHERE, LOCAL, Host, Lab, ingress, soon
from localcloud.contract.topology import Database, Interface, SecurityGroup, Snapshot, Subnet, Vpc
from localcloud.dataplane.databases.databases import Databases
from localcloud.machine import namespaces

VPC = "vpc-0000000000000001"
ARN = "arn:aws:rds:us-east-1:123456789012:db:main"
SNAPSHOT = "arn:aws:rds:us-east-1:123456789012:snapshot:main-final"
ADDRESS = "10.0.21.10"
NAME = "main.abcdefghijkl.us-east-1.rds.amazonaws.com"
SECONDS = 60
CONNECT_SECONDS = 2

DATABASE = Database(
    id=ARN,
    region="us-east-1",
    vpc_id=VPC,
    interface_id="eni-db",
    dns_name=NAME,
    port=5432,
    engine_version="17.6",
    master_username="master",
    master_password="first-Secret-1",
    name="app",
)


def make_vpc() -> Vpc:
    return Vpc(
        id=VPC,
        region="us-east-1",
        cidrs=("10.0.0.0/16",),
        subnets=(
            Subnet("subnet-00000000000000b1", "10.0.11.0/24", "us-east-1a", (LOCAL,)),
            Subnet("subnet-00000000000000c1", "10.0.21.0/24", "us-east-1a", (LOCAL,)),
        ),
        groups=(
            SecurityGroup("sg-app", "app", VPC, (ANYWHERE,)),
            SecurityGroup("sg-db", "db", VPC, (ingress(5432, group="sg-app"),)),
        ),
        interfaces=(
            Interface("eni-app", "subnet-00000000000000b1", "10.0.11.10", ("sg-app",)),
            Interface("eni-db", "subnet-00000000000000c1", ADDRESS, ("sg-db",), owner="database", owner_id=ARN),
        ),
    )


class Stored:
    """A database with the fields set by apply(); queries come from the client host."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.databases = Databases(lab.settings, lab.reality, lab.network)
        self.database = DATABASE
        self.container = lab.settings.container("db-us-east-1-main")
        lab.apply(make_vpc())
        lab.hosts["app"] = Host("app")
        lab.network.attach(VPC, lab.vpc.interfaces[0], lab.hosts["app"].pid)

    def apply(self, *, wait: bool = True, **changes: Any) -> None:
        """Change the database's fields; wait until it is ready again."""
        reboots = changes.get("boots", self.database.boots) != self.database.boots
        self.database = replace(self.database, **changes)
        self._publish(databases=(self.database,))
        if reboots and wait:
            self.lab.reality.wait_for(lambda: not self.lab.reality.ready(ARN), 10)
        if wait:
            self.await_ready()

    def await_ready(self) -> None:
        reality = self.lab.reality
        assert reality.wait_for(lambda: reality.ready(ARN), SECONDS), reality.failure(ARN)

    def failure(self, word: str = "") -> str:
        """The database's failure, once it contains the word."""
        reality = self.lab.reality
        assert reality.wait_for(lambda: word in (reality.failure(ARN) or "") != "", SECONDS), reality.failure(ARN)
        return reality.failure(ARN) or ""

    def remove(self) -> None:
        self._publish(databases=())
        assert soon(self._has_left)

    def _has_left(self) -> bool:
        self.databases.reconcile(self.lab.topology)
        return not self.databases._leaving

    def take_snapshot(self) -> None:
        self._publish(snapshots=(Snapshot(SNAPSHOT, ARN),))
        reality = self.lab.reality
        assert reality.wait_for(lambda: reality.ready(SNAPSHOT), SECONDS), reality.failure(SNAPSHOT)

    def forget_snapshot(self) -> None:
        self._publish(snapshots=())

    def _publish(self, **changes: Any) -> None:
        self.lab.topology = replace(self.lab.topology, **changes)
        self.databases.reconcile(self.lab.topology)

    def connect(self, **options: str) -> Connection:
        """A connection from the client host; by default it verifies the server like an application."""
        wanted = {
            "host": NAME,
            "hostaddr": ADDRESS,
            "user": "master",
            "password": self.database.master_password,
            "dbname": "app",
            "sslmode": "verify-full",
            "sslrootcert": str(self.databases.ca_bundle),
            "connect_timeout": str(CONNECT_SECONDS),
        }
        found = namespaces.inside(self.lab.hosts["app"].pid, lambda: psycopg2.connect(**{**wanted, **options}))
        found.autocommit = True
        return found

    def ask(self, query: str, **options: str) -> tuple[Any, ...]:
        """The first row of the result."""
        found = self.connect(**options)
        try:
            with found.cursor() as cursor:
                cursor.execute(query)
                row: tuple[Any, ...] = cursor.fetchone() or ()
                return row
        finally:
            found.close()

    def execute(self, *statements: str) -> None:
        found = self.connect()
        try:
            with found.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            found.close()

    def opens(self, password: str) -> bool:
        try:
            return self.ask("SELECT 1", password=password) == (1,)
        except psycopg2.OperationalError:
            return False

    def volumes(self) -> list[str]:
        """The names of the cloud's volumes."""
        label = f"label={self.lab.settings.label}={self.lab.settings.name}"
        command = ["docker", "volume", "ls", "-q", "--filter", label]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    def close(self) -> None:
        self.databases.close()
