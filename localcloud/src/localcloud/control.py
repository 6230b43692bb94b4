"""The control channel between the command and the daemon: JSON over HTTP on a Unix socket that only root can open."""

from __future__ import annotations

import http.client
import json
import logging
import os
import socket
import socketserver
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

Handler = Callable[[dict[str, Any]], Any]
log = logging.getLogger(__name__)


class ControlError(RuntimeError):
    """The daemon does not answer or refused the request; the message is for the user."""


class ControlServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers POST /NAME with the JSON result of handlers[NAME], called with the request's JSON object."""

    daemon_threads = True

    def __init__(self, path: Path, handlers: dict[str, Handler]) -> None:
        self.handlers = handlers
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            super().__init__(str(path), _ControlRequest)
        finally:
            os.umask(before)


class _ControlRequest(BaseHTTPRequestHandler):
    server: ControlServer

    def do_POST(self) -> None:
        handler = self.server.handlers.get(self.path.lstrip("/"))
        if handler is None:
            self._answer(404, {"error": f"unknown request {self.path}"})
            return
        try:
            arguments = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(200, handler(arguments))
        except ValueError as error:
            self._answer(400, {"error": str(error)})
        except Exception as error:
            log.exception("control request %s failed", self.path)
            self._answer(500, {"error": f"{type(error).__name__}: {error}"})

    def _answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "control"  # the peer of a Unix socket has no address

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def call(path: Path, name: str, arguments: dict[str, Any] | None = None, timeout: float = 30) -> Any:
    """Send the request `name` to the daemon. Raises ControlError."""
    connection = _UnixConnection(path, timeout)
    try:
        connection.request("POST", f"/{name}", json.dumps(arguments or {}))
        response = connection.getresponse()
        content = json.loads(response.read())
    except (OSError, http.client.HTTPException) as error:
        raise ControlError(f"the local cloud does not answer ({error}). Start it with: localcloud up") from error
    finally:
        connection.close()
    if response.status != 200:
        raise ControlError(content["error"])
    return content
