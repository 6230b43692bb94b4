"""What both applications answer alike: request ids, a line in the log for each request, errors as JSON, plain endpoints."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, abort, request
from werkzeug.exceptions import HTTPException

from common.logs import configure_logging, lines

REQUEST_ID = re.compile(r"[A-Za-z0-9._:=-]{1,128}")

to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=str).encode


def new_request_id() -> str:
    """32 hex digits. No secret, and unlike os.urandom it does not make the thread wait for all others."""
    return f"{random.getrandbits(128):032x}"


class RequestLog:
    """WSGI middleware: gives each request its id, answers with it, and writes one line about it."""

    def __init__(self, application: Callable[..., Iterable[bytes]], name: str) -> None:
        self._application = application
        self._name = name

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began = time.perf_counter()
        request_id = environ.get("HTTP_X_REQUEST_ID", "")
        if not REQUEST_ID.fullmatch(request_id):
            request_id = environ["HTTP_X_REQUEST_ID"] = new_request_id()
        status = 500

        def start(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = int(line[:3])
            headers.append(("X-Request-Id", request_id))
            return start_response(line, headers, exc_info) if exc_info else start_response(line, headers)

        try:
            return self._application(environ, start)
        finally:
            lines.write(
                {
                    "time": time.time(),
                    "level": "error" if status >= 500 else "info",
                    "name": self._name,
                    "request_id": request_id,
                    "method": environ["REQUEST_METHOD"],
                    "path": environ["PATH_INFO"],
                    "status": status,
                    "duration_ms": round((time.perf_counter() - began) * 1000, 2),
                }
            )


def json_response(body: Any, status: int = 200) -> Response:
    """A JSON answer that nobody may keep."""
    return Response(to_json(body) + "\n", status, {"Cache-Control": "no-store"}, mimetype="application/json")


def error_response(status: int, message: str, **details: Any) -> Response:
    """A JSON error: `error` in words, `request_id` to find it in the logs, and details."""
    return json_response({"error": message, "request_id": request.headers.get("X-Request-Id"), **details}, status)


def create_service(import_name: str, name: str, version: str) -> Flask:
    """A Flask application with the endpoints that both have: `/version` and `/healthz`, and errors as JSON."""
    configure_logging(name)
    app = Flask(import_name, static_folder=None)
    app.wsgi_app = RequestLog(app.wsgi_app, name)  # type: ignore[method-assign]
    # Neither name nor version ever changes: one answer for all.
    version_answer = Response(to_json({"name": name, "version": version}) + "\n", mimetype="application/json")

    @app.before_request
    def refuse_bodies() -> None:
        """No endpoint takes one, so none is waited for."""
        if request.content_length or "Transfer-Encoding" in request.headers:
            abort(413, "no endpoint takes a body")

    @app.get("/version")
    def show_version() -> Response:
        return version_answer

    @app.get("/healthz")
    def show_health() -> Response:
        return json_response({"alive": True, "name": name})

    @app.errorhandler(HTTPException)
    def show_error(error: HTTPException) -> Response:
        # Redirects and the like carry an answer of their own.
        if error.code is None or error.code < 400:
            return error.get_response()  # type: ignore[return-value]
        response = error_response(error.code, error.description or error.name)
        for header, value in error.get_headers():
            if header == "Allow":
                response.headers[header] = value
        return response

    return app
