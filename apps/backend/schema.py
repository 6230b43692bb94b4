"""The database's schema: numbered SQL files, applied once each, in order, by one process at a time."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as PgConnection  # noqa: N812

FOLDER = Path(__file__).with_name("migrations")
# Any number that no other program uses for an advisory lock in this database.
LOCK = 7_202_611_23
LOCK_SECONDS = 15


class SchemaError(Exception):
    """The schema cannot be brought to where this release needs it; the message is one line."""


@dataclass(frozen=True)
class Migration:
    """version: 1, 2, 3 … checksum: of the file's text; an applied file must not change."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """The files `0001_what.sql`, `0002_what.sql` … of a folder. Raises SchemaError for a gap or another name."""
    migrations = []
    for number, file in enumerate(sorted(folder.glob("*.sql")), start=1):
        match = re.fullmatch(r"([0-9]{4})_([a-z0-9_]+)", file.stem)
        if not match or int(match[1]) != number:
            raise SchemaError(f"{file.name}: want {number:04}_what_it_does.sql")
        migrations.append(Migration(number, match[2], file.read_text()))
    return migrations


def current_version(connection: PgConnection) -> int:
    """The number of the last applied migration, 0 for an empty database."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('schema_migrations') is not null")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("select coalesce(max(version), 0) from schema_migrations")
        return cursor.fetchone()[0]


def missing_from(applied: dict[int, str], migrations: list[Migration]) -> list[Migration]:
    """The migrations to apply; applied: checksums by version. Raises SchemaError for one that was changed since."""
    for migration in migrations:
        if applied.get(migration.version, migration.checksum) != migration.checksum:
            raise SchemaError(f"migration {migration.version} ({migration.name}) was changed after it was applied")
    return [migration for migration in migrations if migration.version not in applied]


def migrate(connection: PgConnection, migrations: list[Migration]) -> list[Migration]:
    """Apply what is missing and return it. A schema that is newer than this release is left as it is.

    All in one transaction under an advisory lock: several may call it at once, and a failure changes nothing.
    connection: in autocommit mode, with the right to create tables. Raises SchemaError.
    """
    with connection.cursor() as cursor:
        cursor.execute("begin")
        try:
            cursor.execute("set local statement_timeout = %s", [f"{LOCK_SECONDS}s"])
            cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
            cursor.execute(
                "create table if not exists schema_migrations (version integer primary key, name text not null, "
                "checksum text not null, applied timestamptz not null default now())"
            )
            cursor.execute("select version, checksum from schema_migrations")
            applied = dict(cursor.fetchall())
            missing = missing_from(applied, migrations)
            for migration in missing:
                cursor.execute(migration.sql)
                cursor.execute(
                    "insert into schema_migrations (version, name, checksum) values (%s, %s, %s)",
                    [migration.version, migration.name, migration.checksum],
                )
            cursor.execute("commit")
        except BaseException:
            if not connection.closed:
                cursor.execute("rollback")
            raise
    return missing


def ensure(connection: PgConnection, migrations: list[Migration]) -> None:
    """For a starting backend: create or update the schema if that is needed and allowed.

    Raises SchemaError when it is needed and this user may not.
    """
    version, wanted = current_version(connection), len(migrations)
    if version >= wanted:
        return
    try:
        migrate(connection, migrations)
    except psycopg2.errors.InsufficientPrivilege:
        raise SchemaError(
            f"the schema is at version {version}, this release needs {wanted}, and this user may not change it: "
            "run `python -m backend.admin migrate` as the database's owner"
        ) from None
