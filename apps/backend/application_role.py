"""The role that the backends connect as: it may read and write its tables and nothing else."""

from __future__ import annotations

from contextlib import closing

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as PgConnection  # noqa: N812
from psycopg2.extensions import encrypt_password, make_dsn

# What a backend does, by table. A new table belongs here.
TABLE_RIGHTS = {
    "instances": ("SELECT", "INSERT", "UPDATE"),
    "schema_migrations": ("SELECT",),
}
ALL_TABLE_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
# Two applications' `grant` at once wait for one another.
LOCK = 7_202_611_24


class RoleError(Exception):
    """The role cannot be made as it should be; the message is one line without a secret."""


def ensure(connection: PgConnection, user: str, password: str) -> list[str]:
    """Create or mend the role and its rights; returns what was changed, in words.

    connection: the database's owner, with the right to create roles, in autocommit mode; the schema is there.
    Raises RoleError when the name belongs to a role that must not be touched, or the schema is missing.
    """
    changes: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute("begin")
        try:
            cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
            _ensure_role(connection, user, password, changes)
            _ensure_database_rights(connection, user, changes)
            _ensure_table_rights(connection, user, changes)
            cursor.execute("commit")
        except BaseException:
            if not connection.closed:
                cursor.execute("rollback")
            raise
    return changes


def _ensure_role(connection: PgConnection, user: str, password: str, changes: list[str]) -> None:
    role = sql.Identifier(user)
    with connection.cursor() as cursor:
        cursor.execute(
            "select rolname = current_user, "
            "rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls, rolcanlogin "
            "from pg_roles where rolname = %s",
            [user],
        )
        found = cursor.fetchone()
        if found is None:
            cursor.execute(
                sql.SQL("create role {} login noinherit password %s").format(role),
                [_verifier(connection, user, password)],
            )
            changes.append("role created")
            return
        is_owner, is_powerful, can_log_in = found
        if is_owner or is_powerful:
            raise RoleError(f"APPLICATION_DB_USER={user!r} is an administrator of this server: choose another name")
        if not can_log_in:
            cursor.execute(sql.SQL("alter role {} login").format(role))
            changes.append("login allowed")
        # A role that could not log in a moment ago still cannot, for other sessions: its password cannot be tried.
        if not can_log_in or not _password_works(connection, user, password):
            verifier = _verifier(connection, user, password)
            cursor.execute(sql.SQL("alter role {} password %s").format(role), [verifier])
            changes.append("password set")


def _verifier(connection: PgConnection, user: str, password: str) -> str:
    """What the server stores instead of the password: made here, so that the server's log never sees the password."""
    return encrypt_password(password, user, connection, "scram-sha-256")


def _password_works(connection: PgConnection, user: str, password: str) -> bool:
    """Whether one can log in with it: the stored verifier is not for an ordinary owner's eyes."""
    parameters = connection.info.dsn_parameters
    # Asked of the very server that answered, without what belongs to the owner alone.
    kept = {key: value for key, value in parameters.items() if key not in ("user", "password", "passfile", "options")}
    try:
        with closing(psycopg2.connect(make_dsn(**kept, user=user, password=password))):
            return True
    except psycopg2.OperationalError as error:
        if "password authentication failed" in str(error):
            return False
        if "permission denied for database" in str(error):
            return True
        raise RoleError(f"cannot try the password of {user!r}: {error}") from error


def _ensure_database_rights(connection: PgConnection, user: str, changes: list[str]) -> None:
    role = sql.Identifier(user)
    with connection.cursor() as cursor:
        cursor.execute("select current_database()")
        database = sql.Identifier(cursor.fetchone()[0])
        cursor.execute(
            "select has_schema_privilege('public', 'public', 'create'), "
            "exists (select from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) "
            "where datname = current_database() and grantee = 0)"
        )
        public_may_create, public_may_connect = cursor.fetchone()
        if public_may_create:
            cursor.execute("revoke create on schema public from public")
            changes.append("everyone's right to create tables revoked")
        if public_may_connect:
            cursor.execute(sql.SQL("revoke all on database {} from public").format(database))
            changes.append("everyone's right to connect revoked")
        cursor.execute(
            "select has_database_privilege(%(user)s, current_database(), 'connect'), "
            "has_schema_privilege(%(user)s, 'public', 'usage')",
            {"user": user},
        )
        may_connect, may_use = cursor.fetchone()
        if not may_connect:
            cursor.execute(sql.SQL("grant connect on database {} to {}").format(database, role))
            changes.append("connect granted")
        if not may_use:
            cursor.execute(sql.SQL("grant usage on schema public to {}").format(role))
            changes.append("usage of the schema granted")


def _ensure_table_rights(connection: PgConnection, user: str, changes: list[str]) -> None:
    role = sql.Identifier(user)
    with connection.cursor() as cursor:
        for table, wanted in TABLE_RIGHTS.items():
            cursor.execute("select to_regclass(%s) is not null", [f"public.{table}"])
            if not cursor.fetchone()[0]:
                raise RoleError(f"there is no table {table} yet: run `python -m backend.admin migrate` first")
            for right in ALL_TABLE_RIGHTS:
                cursor.execute("select has_table_privilege(%s, %s, %s)", [user, f"public.{table}", right])
                has, should = cursor.fetchone()[0], right in wanted
                if has == should:
                    continue
                statement = "grant {} on public.{} to {}" if should else "revoke {} on public.{} from {}"
                cursor.execute(sql.SQL(statement).format(sql.SQL(right), sql.Identifier(table), role))
                changes.append(f"{right} on {table} {'granted' if should else 'revoked'}")
