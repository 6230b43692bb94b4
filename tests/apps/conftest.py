"""Fixtures of the applications' tests: real processes, a real PostgreSQL, servers that lie on purpose."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.apps.processes import Application, Postgres

StartApplication = Callable[..., Application]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartApplication]:
    """Start an application: `start("backend", DBCONNECTIONSTRING=…)`; it is stopped after the test."""
    started: list[Application] = []

    def start_one(which: str, *, out: int | None = None, wrap: tuple[str, ...] = (), **variables: str) -> Application:
        defaults = {"NAME": f"{which}-1", "VERSION": "0.0.1"}
        started.append(Application(which, tmp_path, {**defaults, **variables}, out=out, wrap=wrap))
        return started[-1]

    yield start_one
    for application in started:
        application.stop()


def _postgres(tls: bool) -> Iterator[Postgres]:
    # Not in pytest's folder: its parents are closed to the user that the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="apps-postgres-"))
    server = Postgres(folder, tls=tls)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[Postgres]:
    yield from _postgres(tls=False)


@pytest.fixture
def postgres(shared_postgres: Postgres) -> Postgres:
    """A running server with an empty database `backend`."""
    if not shared_postgres.is_running():
        shared_postgres.start()
    shared_postgres.execute("drop database if exists backend with (force)", database="postgres")
    shared_postgres.execute("create database backend", database="postgres")
    return shared_postgres


@pytest.fixture(scope="session")
def tls_postgres() -> Iterator[Postgres]:
    """A server that refuses connections without TLS."""
    yield from _postgres(tls=True)


class Liar:
    """A backend that does with each connection what the test says. `behave` gets it and the connected socket."""

    def __init__(self, behave: Callable[[Liar, socket.socket], None]) -> None:
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self.requests: list[bytes] = []
        self.ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connected, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=[connected], daemon=True).start()

    def _serve(self, connected: socket.socket) -> None:
        with connected, suppress(OSError):
            self._behave(self, connected)

    def request(self, connected: socket.socket) -> bytes:
        """Read one request's headers; empty at the connection's end."""
        data = b""
        while b"\r\n\r\n" not in data and (more := connected.recv(4096)):
            data += more
        if data:
            self.requests.append(data)
        return data

    def close(self) -> None:
        self.ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def lie() -> Iterator[Callable[[Callable[[Liar, socket.socket], None]], Liar]]:
    """Start a lying backend: `lie(lambda liar, connected: …)`."""
    liars: list[Liar] = []

    def start_one(behave: Callable[[Liar, socket.socket], None]) -> Liar:
        liar = Liar(behave)
        liars.append(liar)
        return liar

    yield start_one
    for liar in liars:
        liar.close()
