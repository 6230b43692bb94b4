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


def parse_json(answer: Answer) -> Any:
    """What the backend answered. Raises UpstreamError (502) when it is not JSON that everybody can read."""
    try:
        told = json.loads(answer.body.decode())
        # Python reads more than JSON is: NaN, numbers beyond all bounds, halves of characters.
        json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise UpstreamError(
            f"the backend answered with something that is not JSON (status {answer.status})", 502
        ) from None
    return told


def parse(answer: Answer) -> dict[str, Any]:
    """The backend's JSON object with the fields that it always has. Raises UpstreamError (502) otherwise."""
    told = parse_json(answer)
    if not (
        isinstance(told, dict)
        and isinstance(told.get("name"), str)
        and isinstance(told.get("version"), str)
        and isinstance(told.get("database", {}), dict)
        and isinstance(told.get("instances", []), list)
        and all(isinstance(instance, dict) for instance in told.get("instances", []))
    ):
        raise UpstreamError(f"the backend's JSON is not what it should be (status {answer.status})", 502)
    return told


def check_version(answer: Answer) -> None:
    """A successful answer of `/version` names the backend and its version; an error only has to be JSON."""
    if not 200 <= answer.status <= 599:
        raise UpstreamError(f"the backend answered with status {answer.status}, which HTTP does not know", 502)
    if answer.status == 200:
        parse(answer)
    else:
        parse_json(answer)


try:
    app = create_app(Settings.read(os.environ))
except ConfigurationError as error:
    sys.exit(f"configuration error: {error}")
