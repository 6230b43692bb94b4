"""Mutants of the database and of the rights in it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.mutants import mutant
from tests.mutants.containers import connection_string
from tests.mutants.deployment import Deployment

# Runs in a backend's container, which can reach the database. Its order comes on standard input.
EXECUTE = """
import json, sys
import psycopg2
order = json.load(sys.stdin)
connection = psycopg2.connect(order["dsn"], user=order["user"], password=order["password"])
connection.autocommit = True
connection.cursor().execute(order["statement"])
"""


def execute(deployment: Deployment, statement: str) -> None:
    """Run a statement as the database's master user."""
    order = {
        "dsn": connection_string(deployment, "backend-1"),
        "user": deployment.variables["db_master_username"],
        "password": deployment.secret("database/master-password"),
        "statement": statement,
    }
    container = deployment.application("backend-1")
    command = ["docker", "exec", "--interactive", container, "python3", "-c", EXECUTE]
    deployment.run("backend-1", *command, text=json.dumps(order))


def user_of(deployment: Deployment) -> str:
    """The application's database user."""
    return connection_string(deployment, "backend-1").split("://")[1].split(":")[0]


@mutant("rds.force_ssl off", r"the database accepts a connection without TLS")
def force_ssl_off(deployment: Deployment) -> Iterator[None]:
    instance = deployment.rds.describe_db_instances(DBInstanceIdentifier=deployment.database)["DBInstances"][0]
    group = instance["DBParameterGroups"][0]["DBParameterGroupName"]

    def set_to(value: str) -> None:
        parameter = {"ParameterName": "rds.force_ssl", "ParameterValue": value, "ApplyMethod": "immediate"}
        deployment.rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[parameter])

    set_to("0")
    yield
    set_to("1")


@mutant("more rights for the application's user", r"the application's user \w+ has createdb")
def more_rights(deployment: Deployment) -> Iterator[None]:
    user = user_of(deployment)
    execute(deployment, f'alter role "{user}" createdb')
    yield
    execute(deployment, f'alter role "{user}" nocreatedb')


@mutant("the database stopped", r"the database \S+ is stopped, which does not serve")
def stopped(deployment: Deployment) -> Iterator[None]:
    def wait_until(state: str) -> None:
        def seen() -> str:
            found = deployment.rds.describe_db_instances(DBInstanceIdentifier=deployment.database)["DBInstances"][0]
            return str(found["DBInstanceStatus"])

        deployment.wait(f"the database is {state}", lambda: seen() == state)

    deployment.rds.stop_db_instance(DBInstanceIdentifier=deployment.database)
    wait_until("stopped")
    yield
    deployment.rds.start_db_instance(DBInstanceIdentifier=deployment.database)
    wait_until("available")


@mutant(
    "a public subnet in the database's subnet group",
    r"the database's subnet group holds isolated-1, isolated-2, public-1, wanted isolated-1, isolated-2",
)
def public_subnet(deployment: Deployment) -> Iterator[None]:
    def set_to(*names: str) -> None:
        deployment.rds.modify_db_subnet_group(
            DBSubnetGroupName=deployment.database, SubnetIds=[deployment.subnet(name) for name in names]
        )

    set_to("isolated-1", "isolated-2", "public-1")
    yield
    set_to("isolated-1", "isolated-2")


@mutant("the database made publicly accessible", r"the database is publicly accessible")
def publicly_accessible(deployment: Deployment) -> Iterator[None]:
    def set_to(public: bool) -> None:
        deployment.rds.modify_db_instance(
            DBInstanceIdentifier=deployment.database, PubliclyAccessible=public, ApplyImmediately=True
        )
        deployment.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=deployment.database)

    set_to(True)
    yield
    set_to(False)
