"""The table of backends: each one writes itself down, any one lists them all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg2.extensions import connection as PgConnection  # noqa: N812
from psycopg2.extras import RealDictCursor

HEARTBEAT_SECONDS = 5.0
# A backend that missed three heartbeats is shown as gone.
ALIVE_SECONDS = 3 * HEARTBEAT_SECONDS


def register(connection: PgConnection, name: str, version: str, started: datetime) -> None:
    """Write down that the backend of this name lives now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into instances (name, version, started) values (%s, %s, %s) "
            "on conflict (name) do update "
            "set version = excluded.version, started = excluded.started, last_seen = now()",
            [name, version, started],
        )


def list_instances(connection: PgConnection) -> list[dict[str, Any]]:
    """All backends by name: name, version, started, last_seen (ISO 8601) and alive (heard of lately)."""
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(
            "select name, version, started, last_seen, last_seen > now() - make_interval(secs => %s) as alive "
            "from instances order by name",
            [ALIVE_SECONDS],
        )
        return [
            {**row, "started": row["started"].isoformat(), "last_seen": row["last_seen"].isoformat()}
            for row in cursor.fetchall()
        ]
