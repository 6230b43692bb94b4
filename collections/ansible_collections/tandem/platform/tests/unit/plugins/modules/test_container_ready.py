"""Whether a container can do its work: asked over HTTP, with Docker's word for what became of it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.tandem.platform.plugins.modules import container_ready

from .helpers import Application, fake_docker, run


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
    application.statuses = [200, 200, 503]
    assert not container_ready.watch("backend", application.url, timeout=5, steady=1)[0]


@pytest.mark.parametrize("statuses", [[200, 200, 503, 200], [503, 200]], ids=["in the middle", "at first"])
def test_a_bad_answer_alone_does_not_make_it_sick(application: Application, statuses: list[int]) -> None:
    application.statuses = statuses
    assert container_ready.watch("backend", application.url, timeout=0, steady=3)[0]


def test_a_crash_loop_ends_the_wait(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    application.statuses = [503]
    monkeypatch.setattr(container_ready, "describe", lambda _name: (True, "restarting, 3 restarts"))
    ready, _dummy, state = container_ready.watch("backend", application.url, timeout=3600, steady=0)
    assert (ready, state) == (False, "restarting, 3 restarts")


def test_nobody_answers() -> None:
    with Application() as server:
        url = server.url
    good, answer = container_ready.ask(url)
    assert not good
    assert answer.startswith("no answer")


HEADERS = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100\r\n\r\n"


@pytest.mark.parametrize(
    ("says", "stalls", "answer"),
    [
        (b"SSH-2.0-OpenSSH_10.0\r\n\r\n", False, "no answer: SSH-2.0-OpenSSH_10.0"),
        (b"", False, "no answer: Remote end closed"),
        (HEADERS, False, "503: "),
        (HEADERS, True, "503: "),
        (HEADERS.replace(b"503 Service Unavailable", b"200 OK"), True, "200: "),
    ],
    ids=["garbage", "nothing", "resets in the middle", "stalls in the middle", "stalls though it is well"],
)
def test_a_broken_answer_is_a_bad_one(says: bytes, stalls: bool, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_ready, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            connection, _dummy = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(says)
                if stalls:
                    over.wait(10)
                elif says == HEADERS:
                    # With this, closing sends a reset.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        good, words = container_ready.ask(f"http://127.0.0.1:{server.getsockname()[1]}/readyz")
        over.set()
        thread.join()
    assert not good
    assert words.startswith(answer)


def test_the_log_is_told_of_a_container_that_is_ready_too(application: Application, tmp_path: Path) -> None:
    state = '[{"State": {"Status": "running", "ExitCode": 0}, "RestartCount": 2}]'
    fake_docker(tmp_path, f"case $1 in logs) echo 'it crashed before';; *) echo '{state}';; esac")
    arguments = {"container": "backend", "url": application.url, "timeout": 0}
    answer = run(container_ready, arguments, f"{tmp_path}:{os.environ['PATH']}")
    assert (answer["ready"], answer["logs"]) == (True, ["it crashed before"])
