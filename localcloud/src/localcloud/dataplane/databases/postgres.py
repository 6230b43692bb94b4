"""PostgreSQL as RDS sets it up: configuration files and roles, as pure functions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from localcloud.contract.topology import Database

MAJOR_VERSION = "17"
PROGRAMS = f"/usr/lib/postgresql/{MAJOR_VERSION}/bin"
SUPERUSER = "rdsadmin"  # as on RDS: owned by the service, no remote login
FOLDER = "/rds"
SCRAM_ROUNDS = 4096
# RDS's defaults, except for small shared buffers, because one machine runs many databases.
DEFAULTS = {
    "rds.force_ssl": "1",
    "shared_preload_libraries": "pg_stat_statements",
    "shared_buffers": "64MB",
    "log_min_duration_statement": "-1",
    "timezone": "UTC",
}
# Settings that parameter groups cannot change.
FIXED = {
    "listen_addresses": "*",
    "unix_socket_directories": "/run/postgresql",
    "hba_file": f"{FOLDER}/pg_hba.conf",
    "ident_file": f"{FOLDER}/pg_ident.conf",
    "ssl": "on",
    "ssl_cert_file": f"{FOLDER}/server.crt",
    "ssl_key_file": f"{FOLDER}/server.key",
    "ssl_min_protocol_version": "TLSv1.2",
    "password_encryption": "scram-sha-256",
    "logging_collector": "off",
    "log_destination": "stderr",
}
IDENT = f"rds postgres {SUPERUSER}\n"
# A psql script that creates the master user and the initial database, from the variables master and name (may be empty).
# Idempotent. As on RDS, the rds_superuser role has most of a superuser's rights.
MASTER_USER = r"""
SELECT 'CREATE ROLE rds_superuser' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_superuser') \gexec
GRANT pg_monitor, pg_signal_backend, pg_checkpoint, pg_maintain, pg_use_reserved_connections, pg_create_subscription
  TO rds_superuser WITH ADMIN OPTION;
SELECT format('CREATE ROLE %I LOGIN CREATEDB CREATEROLE VALID UNTIL %L', :'master', 'infinity')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'master') \gexec
GRANT rds_superuser TO :"master" WITH ADMIN OPTION;
ALTER DATABASE postgres OWNER TO :"master";
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'master')
  WHERE :'name' <> '' AND NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
"""
# Keeps passwords out of the log, whatever the parameters say.
SILENCE = "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';\n"


def configuration(database: Database) -> str:
    """postgresql.conf. Formulas of the instance's memory are ignored, which leaves PostgreSQL's default."""
    given = {name: value for name, value in database.parameters if "{" not in value}
    settings = {**DEFAULTS, **given, **FIXED, "port": str(database.port)}
    return "".join(f"{name} = {literal(value)}\n" for name, value in settings.items())


def access(database: Database) -> str:
    """pg_hba.conf: requires SCRAM passwords, and TLS unless rds.force_ssl is 0."""
    forced = dict(database.parameters).get("rds.force_ssl", DEFAULTS["rds.force_ssl"]) not in ("0", "off", "false")
    return (
        f"local all {SUPERUSER} peer map=rds\n"
        f"local replication {SUPERUSER} peer map=rds\n"
        f"host all {SUPERUSER} all reject\n"
        f"{'hostssl' if forced else 'host'} all all all scram-sha-256\n"
    )


def password(database: Database) -> str:
    """SQL that sets the master user's password as a verifier, so that the password itself is not sent."""
    secret = scram_verifier(database.master_password)
    return f"{SILENCE}ALTER ROLE {identifier(database.master_username)} PASSWORD {literal(secret)};\n"


def scram_verifier(secret: str, salt: bytes | None = None) -> str:
    """The verifier that PostgreSQL stores for a password (RFC 5803)."""
    salt = salt or os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, SCRAM_ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
