"""What both applications share: configuration errors, JSON logs, request ids and the plain endpoints."""

from __future__ import annotations

import atexit
import json
import logging
import os
import random
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

REQUEST_ID = re.compile(r"[A-Za-z0-9._:=-]{1,128}")
GATHER_SECONDS = 0.05

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


class ConfigurationError(Exception):
    """An environment variable that cannot be used: the message names it, what it holds and an example."""


def variable(environ: Mapping[str, str], name: str, example: str) -> str:
    """A required environment variable, without blanks around it.

    Raises ConfigurationError when it is missing or empty.
    """
    value = environ.get(name)
    if value is None:
        raise ConfigurationError(f"{name} is not set: want for example {name}={example}")
    if not value.strip():
        raise ConfigurationError(f"{name} is empty ({name}={value!r}): want for example {name}={example}")
    if not value.isprintable():
        raise ConfigurationError(f"{name} holds characters that cannot be printed: want for example {name}={example}")
    return value.strip()


class LineWriter:
    """JSON objects as lines on standard output; `time` in each is seconds since 1970, written as ISO 8601.

    Lines about requests are gathered for a moment, then made and written by a thread of their own: a write by the
    request's thread makes it wait for all others (measured: a fifth of the throughput). Others are written at once.
    """

    def __init__(self) -> None:
        self._begin()
        atexit.register(self.flush)
        # A forked worker has neither its parent's thread nor its parent's lines.
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._pending: deque[dict[str, Any]] = deque()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def write(self, entry: dict[str, Any]) -> None:
        self._pending.append(entry)
        self.flush()

    def write_soon(self, entry: dict[str, Any]) -> None:
        self._pending.append(entry)
        if not self._wake.is_set():
            self._wake.set()
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._write_on, name="log", daemon=True)
                    self._thread.start()

    def flush(self) -> None:
        with self._lock:
            lines = []
            while self._pending:
                entry = self._pending.popleft()
                lines.append(_to_json({**entry, "time": timestamp(entry["time"])}) + "\n")
            sys.stdout.write("".join(lines))
            sys.stdout.flush()

    def _write_on(self) -> None:
        while self._wake.wait():
            time.sleep(GATHER_SECONDS)
            self._wake.clear()
            self.flush()


lines = LineWriter()


def timestamp(moment: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, with milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


class JsonHandler(logging.Handler):
    """Log records as JSON lines; a stack trace becomes a field."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def emit(self, record: logging.LogRecord) -> None:
        entry = {
            "time": record.created,
            "level": record.levelname.lower(),
            "name": self._name,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["exception"] = logging.Formatter().formatException(record.exc_info)
        lines.write(entry)


def configure_logging(name: str) -> None:
    """Everything that is logged in this process becomes JSON lines, gunicorn's and Flask's words too."""
    logging.basicConfig(level=logging.INFO, handlers=[JsonHandler(name)], force=True)
    for logger in ("gunicorn.error", "gunicorn.access"):
        logging.getLogger(logger).handlers.clear()
        logging.getLogger(logger).propagate = True
    # The development server writes a line a request of its own; ours says more.
    logging.getLogger("werkzeug").addFilter(lambda record: " - - [" not in str(record.msg))


class RequestLog:
    """WSGI middleware: gives each request its id, answers with it, and writes one line about it."""

    def __init__(self, application: Callable[..., Iterable[bytes]], name: str) -> None:
        self._application = application
        self._name = name

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began = time.perf_counter()
        request_id = environ.get("HTTP_X_REQUEST_ID", "")
        if not REQUEST_ID.fullmatch(request_id):
            # No secret, and unlike os.urandom it does not make the thread wait for all others.
            request_id = environ["HTTP_X_REQUEST_ID"] = f"{random.getrandbits(128):032x}"
        status = 500

        def start(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = int(line[:3])
            headers.append(("X-Request-Id", request_id))
            return start_response(line, headers, exc_info) if exc_info else start_response(line, headers)

        try:
            return self._application(environ, start)
        finally:
            lines.write_soon(
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
    return Response(_to_json(body) + "\n", status, {"Cache-Control": "no-store"}, mimetype="application/json")


def error_response(status: int, message: str, **details: Any) -> Response:
    """A JSON error: `error` in words, `request_id` to find it in the logs, and details."""
    return json_response({"error": message, "request_id": request.headers.get("X-Request-Id"), **details}, status)


def create_service(import_name: str, name: str, version: str) -> Flask:
    """A Flask application with the endpoints that both have: `/version` and `/healthz`, and errors as JSON."""
    configure_logging(name)
    app = Flask(import_name, static_folder=None)
    app.wsgi_app = RequestLog(app.wsgi_app, name)  # type: ignore[method-assign]
    # Neither name nor version ever changes: one answer for all.
    version_answer = Response(_to_json({"name": name, "version": version}) + "\n", mimetype="application/json")

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
