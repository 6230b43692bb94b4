"""Web servers on hosts of a Lab for load balancer tests, and a client."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from localcloud.machine import namespaces

CLIENT_SECONDS = 20


class Web:
    """A target: `/` returns its name and the request, `/hold` waits for let_go, `/readyz` returns `health`."""

    def __init__(self, name: str, pid: int, port: int) -> None:
        self.name = name
        self.pid = pid
        self.port = port
        self.health = 200
        self.answers_checks = threading.Event()
        self.answers_checks.set()
        self.let_go = threading.Event()
        self.holding = threading.Semaphore(0)
        self.checks: list[dict[str, str]] = []
        self.check_times: list[float] = []
        self._server: ThreadingHTTPServer | None = None
        self._connections: set[socket.socket] = set()

    def start(self) -> None:
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                web._connections.add(self.request)
                super().setup()

            def handle(self) -> None:
                with suppress(OSError):  # the client may have closed the connection
                    super().handle()

            def finish(self) -> None:
                web._connections.discard(self.request)
                super().finish()

            def do_GET(self) -> None:
                headers = {key.lower(): value for key, value in self.headers.items()}
                if self.path == "/readyz":
                    web.checks.append(headers)
                    web.check_times.append(time.monotonic())
                    web.answers_checks.wait(CLIENT_SECONDS)
                    return self.answer(web.health, b"")
                if self.path == "/hold":
                    web.holding.release()
                    web.let_go.wait(CLIENT_SECONDS)
                if self.path == "/die":
                    self.close_connection = True
                    return None
                body = {"name": web.name, "path": self.path, "headers": headers, "from": self.client_address}
                return self.answer(200, json.dumps(body).encode())

            def answer(self, status: int, body: bytes) -> None:
                with suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        listener = namespaces.listen(self.pid, "0.0.0.0", self.port)
        self._server = ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.socket.close()
        self._server.socket = listener
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop like a process that ends: close connections and refuse new ones."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def name(self) -> str:
        """The target that responded."""
        return str(json.loads(self.body)["name"])

    @property
    def seen(self) -> dict[str, str]:
        """The headers that the target received."""
        return dict(json.loads(self.body)["headers"])


class Client:
    """A kept-alive connection from a process's network namespace to an address."""

    def __init__(self, pid: int | str, address: str, port: int = 80) -> None:
        self._connection = http.client.HTTPConnection(address, port)
        self._connection.sock = namespaces.connect(pid, address, port, CLIENT_SECONDS)

    def get(self, path: str = "/", headers: dict[str, str] | None = None) -> Answer:
        self.send(path, headers)
        return self.receive()

    def send(self, path: str, headers: dict[str, str] | None = None) -> None:
        self._connection.request("GET", path, headers=headers or {})

    def receive(self) -> Answer:
        answer = self._connection.getresponse()
        return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())

    def close(self) -> None:
        self._connection.close()


def get(pid: int | str, address: str, path: str = "/", headers: dict[str, str] | None = None, port: int = 80) -> Answer:
    """A request on its own connection."""
    client = Client(pid, address, port)
    try:
        return client.get(path, headers)
    finally:
        client.close()


class Visitors:
    """Continuous requests on several kept-alive connections; collects failures."""

    def __init__(self, pid: int, address: str, connections: int = 3) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self.names: set[str] = set()
        self._pid, self._address = pid, address
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._visit, daemon=True) for _ in range(connections)]
        for thread in self._threads:
            thread.start()

    def _visit(self) -> None:
        client: Client | None = None
        while not self._ended.wait(0.005):
            try:
                client = client or Client(self._pid, self._address)
                answer = client.get()
                if answer.status != 200:
                    self.failures.append(f"{answer.status} {answer.body[:200]!r}")
                else:
                    self.names.add(answer.name)
                    self.answered += 1
                if answer.headers.get("connection") == "close":
                    client.close()
                    client = None
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                client = None

    def await_answers(self, count: int) -> None:
        """Wait until this many more requests are answered."""
        wanted, end = self.answered + count, time.monotonic() + CLIENT_SECONDS
        while self.answered < wanted:
            assert time.monotonic() < end, f"{self.answered} answered; failures: {self.failures[:3]}"
            time.sleep(0.02)

    def stop(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
