"""The frontend: serves the page and handles the browser's requests. `FLASK_APP=app.py flask run` or gunicorn."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from flask import Flask, Response, request

from common.configuration import ConfigurationError
from common.service import create_service, error_response, json_response

from .page import Page
from .settings import Settings
from .upstream import Answer, Upstream, UpstreamError

READY_SECONDS = 2.0


def create_app(settings: Settings, upstream: Upstream | None = None) -> Flask:
    """The WSGI application. upstream: another way to the backend than the usual one (for the benchmark)."""
    app = create_service(__name__, settings.name, settings.version)
    backend = upstream or Upstream(settings.api)
    page = Page()

    @app.get("/")
    def show_hello() -> Response:
        wanted = request.accept_mimetypes.best_match(["text/plain", "text/html"])
        response = page.response() if wanted == "text/html" else Response("Hello world!", mimetype="text/plain")
        response.headers["Vary"] = "Accept"
        return response

    @app.get("/passthrough")
    def pass_through() -> Response:
        answer = backend.get("/version", request.headers["X-Request-Id"])
        check_version(answer)
        return Response(answer.body, answer.status, mimetype="application/json")

    @app.get("/readyz")
    def show_readiness() -> Response:
        try:
            answer = backend.get("/version", request.headers["X-Request-Id"], seconds=READY_SECONDS)
            check_version(answer)
        except UpstreamError as error:
            return error_response(503, str(error), ready=False, name=settings.name)
        if answer.status != 200:
            reason = f"the backend answers with status {answer.status}"
            return error_response(503, reason, ready=False, name=settings.name)
        return json_response({"ready": True, "name": settings.name})

    @app.get("/status")
    def show_status() -> Response:
        """What the page shows: who answered here, who answered behind, and the database. Always 200."""
        status: dict[str, Any] = {"frontend": {"name": settings.name, "version": settings.version}}
        try:
            answer = backend.get("/instances", request.headers["X-Request-Id"])
            told = parse(answer)
            status["backend"] = {
                "reachable": True,
                "name": told["name"],
                "version": told["version"],
                "latency_ms": round(answer.seconds * 1000, 1),
            }
            status["database"] = told.get("database", {"reachable": False})
            status["instances"] = told.get("instances", [])
        except UpstreamError as error:
            status["backend"] = {"reachable": False, "error": str(error)}
        return json_response(status)

    @app.errorhandler(UpstreamError)
    def show_upstream_error(error: UpstreamError) -> Response:
        app.logger.warning("%s", error, extra={"fields": {"request_id": request.headers["X-Request-Id"]}})
        return error_response(error.status, str(error), name=settings.name)

    return app


def parse(answer: Answer) -> dict[str, Any]:
    """The backend's JSON object with the fields that it always has. Raises UpstreamError (502) otherwise."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise UpstreamError(f"the backend answered with something that is not JSON (status {answer.status})", 502)
    if "name" not in told or "version" not in told or not isinstance(told.get("database", {}), dict):
        raise UpstreamError(f"the backend's JSON is not what it should be (status {answer.status})", 502)
    return told


def check_version(answer: Answer) -> None:
    """A successful answer of `/version` names the backend and its version; an error only has to be JSON."""
    if answer.status == 200:
        parse(answer)
        return
    try:
        json.loads(answer.body)
    except ValueError:
        raise UpstreamError(
            f"the backend answered with something that is not JSON (status {answer.status})", 502
        ) from None


try:
    app = create_app(Settings.read(os.environ))
except ConfigurationError as error:
    sys.exit(f"configuration error: {error}")
