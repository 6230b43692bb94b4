"""Databases as on RDS: TLS, passwords, the master user's rights, parameters, reboots, snapshots."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from lab import Lab, soon
from localcloud.contract.reality import with_password
from localcloud.contract.topology import Interface
from localcloud.dataplane import worker

from .stored import ARN, SNAPSHOT, Stored

pytestmark = pytest.mark.cloud


@pytest.fixture
def stored(lab: Lab) -> Iterator[Stored]:
    """A database and a client host."""
    made = Stored(lab)
    try:
        yield made
    finally:
        made.close()


def test_a_client_verifies_the_name_and_speaks_tls(stored: Stored) -> None:
    stored.apply()
    row = stored.ask("SELECT version(), (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid())")
    assert "PostgreSQL 17" in row[0]
    assert row[1] == "TLSv1.3"
    assert stored.ask("SHOW rds.force_ssl") == ("1",)


def test_another_name_or_another_authority_is_not_believed(stored: Stored) -> None:
    stored.apply()
    with pytest.raises(psycopg2.OperationalError, match="does not match host name"):
        stored.ask("SELECT 1", host="wrong.us-east-1.rds.amazonaws.com")
    with pytest.raises(psycopg2.OperationalError, match="certificate verify failed"):
        stored.ask("SELECT 1", sslrootcert="/etc/ssl/certs/ca-certificates.crt")


def test_without_tls_only_where_the_parameter_allows_it(stored: Stored) -> None:
    stored.apply()
    with pytest.raises(psycopg2.OperationalError, match="no encryption"):
        stored.ask("SELECT 1", sslmode="disable")
    stored.apply(parameters=(("rds.force_ssl", "0"),))
    assert soon(lambda: stored.ask("SHOW rds.force_ssl") == ("0",))
    assert stored.ask("SELECT 1", sslmode="disable") == (1,)


def test_only_the_right_password_opens_and_it_can_be_changed(stored: Stored) -> None:
    stored.apply()
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        stored.ask("SELECT 1", password="wrong-password")
    stored.apply(master_password="another-Secret-2")
    reality = stored.lab.reality
    assert reality.wait_for(lambda: reality.ready(with_password(ARN, "another-Secret-2")), 20)
    assert stored.opens("another-Secret-2")
    assert not stored.opens("first-Secret-1")
    log = subprocess.run(["docker", "logs", stored.container], capture_output=True, text=True, check=True)
    assert "Secret" not in log.stdout + log.stderr


def test_the_master_user_is_no_superuser_but_makes_roles_and_databases(stored: Stored) -> None:
    stored.apply()
    assert stored.ask("SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user") == (
        False, True, True,
    )  # fmt: skip
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert stored.ask(owner) == ("master",)
    stored.execute("CREATE ROLE app LOGIN PASSWORD 'app-Secret-1'", "CREATE DATABASE second OWNER master",
                "CREATE EXTENSION pgcrypto", "GRANT rds_superuser TO app")  # fmt: skip
    assert stored.ask("SELECT current_user", user="app", password="app-Secret-1") == ("app",)
    for forbidden in ("COPY (SELECT 1) TO PROGRAM 'true'", "ALTER SYSTEM SET work_mem = '1MB'", "SET ROLE rdsadmin"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            stored.execute(forbidden)
    with pytest.raises(psycopg2.OperationalError, match=r"pg_hba\.conf rejects"):
        stored.ask("SELECT 1", user="rdsadmin")


def test_dynamic_parameters_take_effect_at_once_and_static_ones_at_a_reboot(stored: Stored) -> None:
    stored.apply()
    stored.execute("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    changed = (("max_connections", "42"), ("work_mem", "8192"))
    stored.apply(parameters=changed)
    assert soon(lambda: stored.ask("SHOW work_mem") == ("8MB",))
    assert stored.ask("SHOW max_connections") == ("100",)
    stored.apply(boots=2)
    assert stored.ask("SHOW max_connections") == ("42",)
    assert stored.ask("SELECT n FROM kept") == (7,)


def test_a_reboot_ends_connections_and_is_not_ready_meanwhile(stored: Stored) -> None:
    stored.apply()
    connection = stored.connect()
    stored.apply(boots=2, wait=False)
    reality = stored.lab.reality
    assert reality.wait_for(lambda: not reality.ready(ARN), 10)
    stored.await_ready()
    with pytest.raises(psycopg2.OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert stored.ask("SELECT 1") == (1,)


def test_a_database_that_is_killed_comes_back_with_its_data(stored: Stored) -> None:
    stored.apply()
    stored.execute("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    subprocess.run(["docker", "kill", stored.container], check=True, capture_output=True)
    reality = stored.lab.reality
    assert reality.wait_for(lambda: not reality.ready(ARN), 10)
    stored.await_ready()
    assert stored.ask("SELECT n FROM kept") == (7,)


def test_a_stopped_database_is_gone_until_it_is_started(stored: Stored) -> None:
    stored.apply()
    stored.apply(running=False, wait=False)
    reality = stored.lab.reality
    assert reality.wait_for(lambda: not reality.ready(ARN), 15)
    assert soon(lambda: not stored.opens("first-Secret-1"))
    assert soon(lambda: not stored.lab.is_plugged("eni-db"))
    stored.apply(running=True, boots=2)
    assert stored.opens("first-Secret-1")


def test_a_final_snapshot_can_be_restored_and_deleted(stored: Stored) -> None:
    stored.apply()
    stored.execute("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    stored.take_snapshot()
    stored.execute("UPDATE kept SET n = 8")
    stored.remove()
    stored.apply(restore_from=SNAPSHOT, master_password="restored-Secret-3")
    assert stored.ask("SELECT n FROM kept", password="restored-Secret-3") == (7,)
    stored.forget_snapshot()
    assert soon(lambda: not [name for name in stored.volumes() if "snapshot" in name])


def test_a_removed_database_leaves_nothing(stored: Stored) -> None:
    stored.apply()
    assert stored.volumes()
    assert stored.lab.is_plugged("eni-db")
    stored.remove()
    assert not stored.lab.is_plugged("eni-db")
    assert stored.volumes() == []
    assert not list((stored.lab.settings.state_dir / "db").iterdir())


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report failures soon."""
    monkeypatch.setattr(worker, "GRACE_SECONDS", 1.0)


@pytest.mark.usefixtures("_impatient")
def test_a_failure_to_start_is_reported(stored: Stored) -> None:
    stored.apply(parameters=(("shared_preload_libraries", "pg_cron"),), wait=False)
    assert "pg_cron" in stored.failure("pg_cron")
    stored.apply(parameters=(), boots=2)
    assert stored.ask("SELECT 1") == (1,)


@pytest.mark.usefixtures("_impatient")
def test_a_failure_before_the_network_is_attached_is_reported(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in = stored.lab.network.attach

    def plug_in_too_late(vpc_id: str, interface: Interface, pid: int) -> None:
        assert soon(lambda: not Path(f"/proc/{pid}").exists())
        plug_in(vpc_id, interface, pid)

    monkeypatch.setattr(stored.lab.network, "attach", plug_in_too_late)
    stored.apply(parameters=(("shared_preload_libraries", "pg_cron"),), wait=False)
    assert "pg_cron" in stored.failure()


def test_secrets_are_in_no_command_line_no_environment_and_no_readable_file(stored: Stored) -> None:
    stored.apply()
    inspected = subprocess.run(["docker", "inspect", stored.container], capture_output=True, text=True, check=True)
    assert "Secret" not in inspected.stdout
    folder = next((stored.lab.settings.state_dir / "db").iterdir())
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert not [path for path in folder.iterdir() if b"Secret" in path.read_bytes()]
    bundle = stored.databases.ca_bundle
    assert bundle.stat().st_mode & 0o777 == 0o644
    assert b"PRIVATE" not in bundle.read_bytes()
    assert os.stat(bundle.with_name("authority.key")).st_mode & 0o777 == 0o600


def test_a_closed_security_group_keeps_clients_out(stored: Stored) -> None:
    stored.apply()
    assert stored.opens("first-Secret-1")
    vpc = stored.lab.vpc
    stored.lab.apply(replace(vpc, groups=tuple(replace(group, rules=()) for group in vpc.groups)))
    assert not stored.opens("first-Secret-1")
