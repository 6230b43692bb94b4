"""The backend's one-off commands: migrate, grant, check; and a backend that runs with no more rights than it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import psycopg2
import pytest

from tests.apps.conftest import StartApplication
from tests.apps.processes import APPS, BIN, Postgres, wait_for

PASSWORD = "application-geheim"


@pytest.fixture
def schema(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(APPS)
    from backend import schema

    return schema


def admin(command: str, dsn: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backend.admin", command],
        cwd=APPS,
        env={"PATH": f"{BIN}:{os.environ['PATH']}", "DBCONNECTIONSTRING": dsn, **variables},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def succeed(command: str, dsn: str, **variables: str) -> dict:
    done = admin(command, dsn, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def grant(postgres: Postgres, password: str = PASSWORD) -> dict:
    return succeed("grant", postgres.dsn(), APPLICATION_DB_USER="application", APPLICATION_DB_PASSWORD=password)


@pytest.fixture
def application_role(postgres: Postgres):
    """The name of a role that the test may make; it is dropped afterwards."""
    yield "application"
    if postgres.execute("select 1 from pg_roles where rolname = 'application'"):
        postgres.execute("drop owned by application")
        postgres.execute("drop role application")


def test_migrate_changes_an_empty_database_once(postgres: Postgres):
    first, second = (succeed("migrate", postgres.dsn()) for _ in range(2))
    assert (first["changed"], first["applied"], first["version"]) == (True, ["0001_instances"], 1)
    assert (second["changed"], second["applied"], second["version"]) == (False, [], 1)


def test_migrate_at_once_from_several_places(postgres: Postgres):
    results: list[dict] = []
    threads = [threading.Thread(target=lambda: results.append(succeed("migrate", postgres.dsn()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result["changed"] for result in results) == [False, False, False, True]


def both_migrate(schema, postgres: Postgres) -> list[Exception]:
    """Two migrations in the same moment; returns what went wrong."""
    postgres.execute("create table schema_migrations (version integer primary key, name text, checksum text)")
    slow = schema.Migration(1, "slow", "select pg_sleep(0.7); create table slow ()")
    failures: list[Exception] = []

    def migrate() -> None:
        connection = psycopg2.connect(postgres.dsn())
        connection.autocommit = True
        try:
            schema.migrate(connection, [slow])
        except psycopg2.Error as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=migrate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_the_lock_keeps_two_migrations_apart(schema, postgres: Postgres):
    assert both_migrate(schema, postgres) == []


def test_without_the_lock_two_migrations_collide(schema, postgres: Postgres, monkeypatch: pytest.MonkeyPatch):
    class EachItsOwn:
        """A different number each time it is asked for: a lock that locks nothing."""

        def __init__(self) -> None:
            self.number = 0

        def __conform__(self, _protocol: object) -> psycopg2.extensions.AsIs:
            self.number += 1
            return psycopg2.extensions.AsIs(str(self.number))

    monkeypatch.setattr(schema, "LOCK", EachItsOwn())
    assert len(both_migrate(schema, postgres)) == 1


def test_a_failing_migration_changes_nothing(schema, postgres: Postgres):
    connection = psycopg2.connect(postgres.dsn())
    connection.autocommit = True
    good, bad = schema.Migration(1, "good", "create table good ()"), schema.Migration(2, "bad", "create nonsense")
    with pytest.raises(psycopg2.errors.SyntaxError):
        schema.migrate(connection, [good, bad])
    assert schema.current_version(connection) == 0
    assert [migration.name for migration in schema.migrate(connection, [good])] == ["good"]
    with pytest.raises(schema.SchemaError, match=r"migration 1 \(good\) was changed"):
        schema.migrate(connection, [schema.Migration(1, "good", "create table other ()")])
    connection.close()


def test_migrations_are_numbered_without_gaps(schema, tmp_path):
    assert [migration.version for migration in schema.read_migrations()] == [1]
    (tmp_path / "0002_late.sql").write_text("select 1")
    with pytest.raises(schema.SchemaError, match="want 0001_"):
        schema.read_migrations(tmp_path)


def test_the_previous_release_runs_on_a_newer_schema(start: StartApplication, postgres: Postgres):
    succeed("migrate", postgres.dsn())
    postgres.execute("alter table instances add column zone text")
    postgres.execute("insert into schema_migrations (version, name, checksum) values (2, 'zone', 'x')")
    start("backend", DBCONNECTIONSTRING=postgres.dsn()).wait("/readyz")
    assert succeed("migrate", postgres.dsn())["changed"] is False


@pytest.mark.parametrize("command", ["migrate", "grant", "check"])
def test_failures_are_one_line_without_a_secret(postgres: Postgres, command: str):
    variables = {"APPLICATION_DB_USER": "application", "APPLICATION_DB_PASSWORD": PASSWORD}
    for dsn in (postgres.dsn(password="geheim-wrong"), postgres.dsn(database="nowhere"), "host=127.0.0.1 port=1"):
        done = admin(command, dsn, **variables)
        assert done.returncode == 1
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "geheim" not in done.stderr


def test_usage_and_missing_variables(postgres: Postgres):
    assert admin("dance", postgres.dsn()).returncode == 2
    for variables, name in (
        ({"APPLICATION_DB_PASSWORD": PASSWORD}, "APPLICATION_DB_USER"),
        ({"APPLICATION_DB_USER": "application", "APPLICATION_DB_PASSWORD": "short"}, "APPLICATION_DB_PASSWORD"),
    ):
        done = admin("grant", postgres.dsn(), **variables)
        assert done.returncode == 1
        assert name in done.stderr
        assert "short" not in done.stderr


def test_grant_needs_the_schema(postgres: Postgres, application_role: str):
    done = admin("grant", postgres.dsn(), APPLICATION_DB_USER=application_role, APPLICATION_DB_PASSWORD=PASSWORD)
    assert done.returncode == 1
    assert "migrate" in done.stderr
    assert not postgres.execute("select 1 from pg_roles where rolname = 'application'")


def test_grant_is_idempotent_and_mends_what_drifted(postgres: Postgres, application_role: str):
    succeed("migrate", postgres.dsn())
    assert "role created" in grant(postgres)["changes"]
    assert grant(postgres) == {"changed": False, "changes": [], "user": application_role}
    assert grant(postgres, "another-geheim")["changes"] == ["password set"]
    assert grant(postgres, "another-geheim")["changed"] is False
    postgres.execute("grant delete on instances to application")
    postgres.execute("revoke insert on instances from application")
    postgres.execute("alter role application nologin")
    changes = grant(postgres, "another-geheim")["changes"]
    assert "login allowed" in changes
    assert {"INSERT on instances granted", "DELETE on instances revoked"} <= set(changes)
    assert grant(postgres, "another-geheim")["changed"] is False


def test_grant_keeps_its_hands_off_an_administrator(postgres: Postgres):
    succeed("migrate", postgres.dsn())
    done = admin("grant", postgres.dsn(), APPLICATION_DB_USER="owner", APPLICATION_DB_PASSWORD=PASSWORD)
    assert done.returncode == 1
    assert "administrator" in done.stderr


def test_the_password_is_stored_as_scram_and_never_logged(postgres: Postgres, application_role: str):
    postgres.execute("alter system set log_statement = 'all'")
    postgres.execute("select pg_reload_conf()")
    try:
        succeed("migrate", postgres.dsn())
        grant(postgres)
    finally:
        postgres.execute("alter system reset log_statement")
        postgres.execute("select pg_reload_conf()")
    stored = postgres.execute("select rolpassword from pg_authid where rolname = 'application'")[0][0]
    assert stored.startswith("SCRAM-SHA-256$")
    assert 'create role "application"' in postgres.log()
    assert PASSWORD not in postgres.log()


def test_a_backend_needs_no_more_than_granted(start: StartApplication, postgres: Postgres, application_role: str):
    succeed("migrate", postgres.dsn())
    grant(postgres)
    dsn = postgres.dsn(application_role, PASSWORD)
    backend = start("backend", DBCONNECTIONSTRING=dsn)
    backend.wait("/readyz")
    assert len(backend.get("/instances").json["instances"]) == 1
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in (
            "create table mine ()", "delete from instances", "truncate instances", "drop table instances",
            "create temporary table mine ()", "create schema mine", "alter table instances add x int",
            "update schema_migrations set version = 9", "create role other", "select pg_read_file('/etc/passwd')",
        ):  # fmt: skip
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
    connection.close()


def test_a_backend_without_rights_says_what_to_run(start: StartApplication, postgres: Postgres, application_role: str):
    postgres.execute(f"create role {application_role} login password '{PASSWORD}'")
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn(application_role, PASSWORD))
    backend.wait()
    wait_for(lambda: "backend.admin migrate" in backend.wait("/readyz", 503).json["error"], "the reason")
    succeed("migrate", postgres.dsn())
    grant(postgres)
    backend.wait("/readyz", 200)


def test_check_tells_who_and_how(postgres: Postgres, tls_postgres: Postgres):
    empty = succeed("check", postgres.dsn())
    assert (empty["current_user"], empty["ssl"], empty["schema_version"], empty["instances"]) == (
        "owner",
        False,
        0,
        None,
    )
    succeed("migrate", tls_postgres.dsn(extra="sslmode=require"))
    facts = succeed("check", tls_postgres.dsn(extra="sslmode=require"))
    assert (facts["ssl"], facts["tls_version"], facts["schema_version"]) == (True, "TLSv1.3", 1)
    assert facts["instances"] is not None
    assert facts["changed"] is False
