"""The backend: answers the frontend, with a PostgreSQL database behind. `FLASK_APP=app.py flask run` or gunicorn."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime

from flask import Flask, Response
from flask.helpers import get_debug_flag
from psycopg2.extensions import connection as PgConnection  # noqa: N812
from werkzeug.serving import is_running_from_reloader

from common.configuration import ConfigurationError
from common.service import create_service, error_response, json_response

from . import instances, schema
from .database import Database, DatabaseAwayError
from .settings import DATABASE_VARIABLE, MISSPELT_VARIABLE, Settings


def create_app(settings: Settings) -> Flask:
    """The WSGI application. `app.extensions["start"]` starts its database, once in each process."""
    app = create_service(__name__, settings.name, settings.version)
    started = datetime.now(UTC)
    migrations = schema.read_migrations()

    def register(connection: PgConnection) -> None:
        instances.register(connection, settings.name, settings.version, started)

    def prepare(connection: PgConnection) -> None:
        schema.ensure(connection, migrations)
        register(connection)

    database = Database(
        settings.dsn, settings.name, prepare=prepare, tend=register, tend_seconds=instances.HEARTBEAT_SECONDS
    )
    app.extensions["start"] = database.start

    @app.get("/")
    def show_hello() -> Response:
        return Response("Hello world!", mimetype="text/plain")

    @app.get("/readyz")
    def show_readiness() -> Response:
        with database.connection() as connection, connection.cursor() as cursor:
            cursor.execute("select 1")
        return json_response({"ready": True, "name": settings.name})

    @app.get("/instances")
    def show_instances() -> Response:
        began = time.perf_counter()
        with database.connection() as connection:
            found = instances.list_instances(connection)
        return json_response(
            {
                "name": settings.name,
                "version": settings.version,
                "database": {"reachable": True, "latency_ms": round((time.perf_counter() - began) * 1000, 1)},
                "instances": found,
            }
        )

    @app.errorhandler(DatabaseAwayError)
    def show_database_away(error: DatabaseAwayError) -> Response:
        return error_response(
            503,
            f"the database cannot be used: {error}",
            ready=False,
            name=settings.name,
            version=settings.version,
            database={"reachable": False},
        )

    return app


try:
    settings = Settings.read(os.environ)
except ConfigurationError as error:
    sys.exit(f"configuration error: {error}")
app = create_app(settings)

# Flask's debug mode runs two processes: the one that only watches for changes needs no database.
FLASK_RUN = os.environ.get("FLASK_RUN_FROM_CLI") == "true"
WATCHES_ONLY = FLASK_RUN and get_debug_flag() and not is_running_from_reloader()

if settings.misspelt and not WATCHES_ONLY:
    app.logger.warning("%s is read as %s: please use the second spelling", MISSPELT_VARIABLE, DATABASE_VARIABLE)
# gunicorn starts the database in each worker; Flask's own server has no such moment.
if FLASK_RUN and not WATCHES_ONLY:
    app.extensions["start"]()
