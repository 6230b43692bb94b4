"""One-off work on the backend's database: `python -m backend.admin migrate | grant | check`.

Everything is read from the environment, nothing from the command line, so no secret is in a process list:

DBCONNECTIONSTRING       the connection string: the database's owner for migrate and grant, anyone for check
APPLICATION_DB_USER      grant: the role that the backends use
APPLICATION_DB_PASSWORD  grant: its password

What is left out of the connection string may stand in libpq's own variables (PGPASSWORD, PGSSLROOTCERT …).
Each command prints one JSON object and ends with 0, or prints one line on standard error and ends with 1.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2.extensions import connection as PgConnection  # noqa: N812

from common.configuration import ConfigurationError, variable

from . import application_role, schema
from .database import one_line, with_defaults
from .settings import read_dsn

Facts = dict[str, Any]


def migrate(connection: PgConnection, _environ: Mapping[str, str]) -> Facts:
    """Bring the schema to this release."""
    migrations = schema.read_migrations()
    done = schema.migrate(connection, migrations)
    return {
        "changed": bool(done),
        "applied": [f"{migration.version:04}_{migration.name}" for migration in done],
        "version": schema.current_version(connection),
        "release_needs": len(migrations),
    }


def grant(connection: PgConnection, environ: Mapping[str, str]) -> Facts:
    """Create or update the least-privileged role that the backends use."""
    user = variable(environ, "APPLICATION_DB_USER", "backend")
    password = secret(environ, "APPLICATION_DB_PASSWORD")
    changes = application_role.ensure(connection, user, password)
    return {"changed": bool(changes), "changes": changes, "user": user}


def check(connection: PgConnection, _environ: Mapping[str, str]) -> Facts:
    """Tell who is connected to what, and how."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select current_user, current_database(), current_setting('server_version'), "
            "coalesce(ssl, false), ssl.version, cipher, "
            "(select rolsuper from pg_roles where rolname = current_user), "
            "has_schema_privilege('public', 'create') "
            "from (select pg_backend_pid() as pid) as mine left join pg_stat_ssl as ssl using (pid)"
        )
        names = (
            "current_user",
            "database",
            "server_version",
            "ssl",
            "tls_version",
            "tls_cipher",
            "superuser",
            "may_create_tables",
        )
        facts = dict(zip(names, cursor.fetchone(), strict=True))
        facts["schema_version"] = schema.current_version(connection)
        facts["instances"] = None
        if facts["schema_version"]:
            cursor.execute("select count(*) from instances")
            facts["instances"] = cursor.fetchone()[0]
    return {"changed": False, **facts}


COMMANDS: dict[str, Callable[[PgConnection, Mapping[str, str]], Facts]] = {
    "migrate": migrate,
    "grant": grant,
    "check": check,
}


def secret(environ: Mapping[str, str], name: str) -> str:
    """A required variable that no message shows. Raises ConfigurationError."""
    value = environ.get(name, "")
    if len(value) < 8 or "\0" in value:
        raise ConfigurationError(f"{name} has {len(value)} characters (not shown): want 8 or more")
    return value


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Run one command and return the process's exit status."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: python -m backend.admin {' | '.join(COMMANDS)}", file=sys.stderr)
        return 2
    command = arguments[0]
    try:
        dsn = with_defaults(read_dsn(environ), f"backend.admin {command}")
        with closing(psycopg2.connect(dsn)) as connection:
            connection.autocommit = True
            print(json.dumps(COMMANDS[command](connection, environ)))
    except (ConfigurationError, schema.SchemaError, application_role.RoleError, psycopg2.Error) as error:
        print(f"{command}: {one_line(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
