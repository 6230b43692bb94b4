"""Whether a container can do its work: asked over HTTP, with Docker's word for what became of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .modules import load

container_ready = load("release", "container_ready")


class Application(ThreadingHTTPServer):
    """Answers with the given statuses, one a request; the last one stays."""

    def __init__(self) -> None:
        self.statuses = [200]
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/readyz"


class Handler(BaseHTTPRequestHandler):
    server: Application

    def do_GET(self) -> None:
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.end_headers()
        self.wfile.write(b"the database is away")

    def log_message(self, format: str, *args: object) -> None:
        """The tests' output stays clean."""


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    monkeypatch.setattr(container_ready, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(container_ready, "describe", lambda _name: (False, "running, 0 restarts"))
    with Application() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_ready_at_once(application: Application) -> None:
    assert container_ready.watch("backend", application.url, timeout=0, steady=0)[0]


def test_a_slow_start_is_waited_for(application: Application) -> None:
    application.statuses = [503, 503, 200]
    assert container_ready.watch("backend", application.url, timeout=5, steady=0)[0]


def test_never_ready_ends_with_its_own_words(application: Application) -> None:
    application.statuses = [503]
    ready, answer, state = container_ready.watch("backend", application.url, timeout=0, steady=0)
    assert (ready, answer, state) == (False, "503 the database is away", "running, 0 restarts")


def test_sick_after_it_was_healthy(application: Application) -> None:
    application.statuses = [200, 200, 503, 200]
    assert not container_ready.watch("backend", application.url, timeout=5, steady=5)[0]


def test_a_crash_loop_ends_the_wait(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    application.statuses = [503]
    monkeypatch.setattr(container_ready, "describe", lambda _name: (True, "restarting, 3 restarts"))
    ready, _, state = container_ready.watch("backend", application.url, timeout=3600, steady=0)
    assert (ready, state) == (False, "restarting, 3 restarts")


def test_nobody_answers() -> None:
    with Application() as server:
        url = server.url
    good, answer = container_ready.ask(url)
    assert not good
    assert answer.startswith("no answer")
