"""Services in the simulated internet: the AWS API and checkip.amazonaws.com."""

from __future__ import annotations

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .api import Api
from .machine import namespaces
from .settings import Settings

log = logging.getLogger(__name__)
API_PORT = 4566


class CheckIp(BaseHTTPRequestHandler):
    """checkip.amazonaws.com: returns the client's address."""

    def do_GET(self) -> None:
        body = f"{self.client_address[0]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class Internet:
    """Listens inside the internet's network namespace, while the process itself stays outside."""

    def __init__(self, settings: Settings, api: Api) -> None:
        self._settings = settings
        self._api = api
        self._servers: list[ThreadingHTTPServer] = []

    def open(self) -> None:
        settings = self._settings
        self._api.serve(self._listen(API_PORT))
        server = ThreadingHTTPServer((str(settings.api_address), 80), CheckIp, bind_and_activate=False)
        server.socket.close()
        server.socket = self._listen(80)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, name="checkip", daemon=True).start()
        self._servers.append(server)

    def close(self) -> None:
        self._api.close()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _listen(self, port: int) -> Any:
        settings = self._settings
        return namespaces.listen(settings.internet_namespace, str(settings.api_address), port)
