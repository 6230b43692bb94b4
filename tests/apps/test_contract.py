"""What each endpoint answers, and what both applications have in common."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from tests.apps.conftest import StartApplication
from tests.apps.processes import Application, Postgres, get, wait_for

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture
def pair(start: StartApplication, postgres: Postgres):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn())
    frontend = start("frontend", API=backend.url, VERSION="0.0.2")
    backend.wait("/readyz")
    frontend.wait("/readyz")
    return frontend, backend


def test_hello(pair):
    for application in pair:
        reply = application.get("/", {"Accept": "*/*"})
        assert (reply.status, reply.body) == (200, b"Hello world!")
        assert reply.headers.get_content_type() == "text/plain"


@pytest.mark.parametrize("accept", [None, "*/*", "text/plain", "application/json", "text/plain, text/html;q=0.5"])
def test_a_program_gets_plain_text(pair, accept):
    reply = pair[0].get("/", {"Accept": accept} if accept else {})
    assert reply.body == b"Hello world!"
    assert reply.headers["Vary"] == "Accept"


def test_a_browser_gets_a_page_that_loads_nothing_from_elsewhere(pair):
    reply = pair[0].get("/", {"Accept": BROWSER})
    assert reply.status == 200
    assert reply.headers.get_content_type() == "text/html"
    assert "Hello world!" in reply.body.decode()
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    outside = re.findall(r"""(?:src|href)=["']?(?!data:|status)[^"'> ]+|@import|url\(""", reply.body.decode())
    assert outside == []


def test_version(pair):
    frontend, backend = pair
    assert frontend.get("/version").json == {"name": "frontend-1", "version": "0.0.2"}
    assert backend.get("/version").json == {"name": "backend-1", "version": "0.0.1"}
    assert frontend.get("/passthrough").json == {"name": "backend-1", "version": "0.0.1"}
    for reply in (frontend.get("/version"), backend.get("/version"), frontend.get("/passthrough")):
        assert reply.headers.get_content_type() == "application/json"


def test_health_and_readiness(pair):
    frontend, backend = pair
    for application in pair:
        assert application.get("/healthz").json["alive"] is True
        assert application.get("/readyz").json["ready"] is True
    backend.stop()
    assert frontend.get("/healthz").status == 200
    reply = frontend.get("/readyz")
    assert (reply.status, reply.json["ready"]) == (503, False)
    assert "cannot be reached" in reply.json["error"]


def test_status_tells_what_the_page_shows(pair):
    frontend, backend = pair
    status = frontend.get("/status").json
    assert status["frontend"] == {"name": "frontend-1", "version": "0.0.2"}
    assert (status["backend"]["reachable"], status["backend"]["name"]) == (True, "backend-1")
    assert status["database"]["reachable"] is True
    assert [instance["name"] for instance in status["instances"]] == ["backend-1"]
    backend.stop()
    status = frontend.get("/status").json
    assert status["backend"]["reachable"] is False
    assert "database" not in status


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/version/", 404)])
def test_errors_are_json(pair, path, status):
    for application in pair:
        reply = application.get(path)
        assert reply.status == status
        assert reply.json["error"]
        assert reply.json["request_id"] == reply.headers["X-Request-Id"]


def test_request_ids_are_taken_made_and_passed_on(pair):
    frontend = pair[0]
    assert frontend.get("/passthrough", {"X-Request-Id": "walk-7"}).headers["X-Request-Id"] == "walk-7"
    for application in pair:
        wait_for(partial(_logged, application, "walk-7"), "a line about the request")
    for unfit in ("two words", "x" * 129, 'quote"'):
        made = frontend.get("/version", {"X-Request-Id": unfit}).headers["X-Request-Id"]
        assert re.fullmatch("[0-9a-f]{32}", made)
    assert frontend.get("/version").headers["X-Request-Id"] != frontend.get("/version").headers["X-Request-Id"]


def _logged(application: Application, request_id: str) -> dict | None:
    return next((line for line in application.log() if line.get("request_id") == request_id), None)


def test_every_request_is_logged_even_the_last(pair):
    frontend, _ = pair
    for number in range(50):
        frontend.get("/version", {"X-Request-Id": f"walk-{number}"})
    frontend.stop()
    assert [line["request_id"] for line in frontend.log() if line.get("request_id", "").startswith("walk-")] == [
        f"walk-{number}" for number in range(50)
    ]


def test_log_lines(pair):
    frontend, _ = pair
    frontend.get("/nowhere?password=hidden", {"X-Request-Id": "seen"})
    line = wait_for(partial(_logged, frontend, "seen"), "a line about the request")
    assert line is not None
    assert line["duration_ms"] >= 0
    del line["duration_ms"], line["time"]
    assert line == {
        "level": "info",
        "name": "frontend-1",
        "request_id": "seen",
        "method": "GET",
        "path": "/nowhere",
        "status": 404,
    }
    assert "hidden" not in frontend.out.read_text()


def test_sigterm_lets_a_request_in_flight_finish(start: StartApplication, lie):
    arrived = threading.Event()

    def answer_when_the_frontend_stops(liar, connected):
        liar.request(connected)
        arrived.set()
        wait_for(lambda: "Handling signal: term" in frontend.out.read_text(), "SIGTERM to arrive")
        body = b'{"name":"late","version":"1"}'
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    frontend = start("frontend", API=lie(answer_when_the_frontend_stops).url)
    frontend.wait()
    replies = []
    asking = threading.Thread(target=lambda: replies.append(get(frontend.url + "/passthrough")))
    asking.start()
    assert arrived.wait(10)
    frontend.process.send_signal(signal.SIGTERM)
    assert frontend.process.wait(timeout=10) == 0
    asking.join()
    assert replies[0].json == {"name": "late", "version": "1"}


def test_sigterm_ends_an_idle_application_at_once(pair):
    began = time.monotonic()
    assert [application.stop() for application in pair] == [0, 0]
    assert time.monotonic() - began < 8


def test_sigterm_loses_nothing_that_waits_to_be_accepted(start: StartApplication):
    frontend = start("frontend", API="http://127.0.0.1:1")
    frontend.wait()
    master = frontend.process.pid
    (worker,) = map(int, Path(f"/proc/{master}/task/{master}/children").read_text().split())
    os.kill(worker, signal.SIGSTOP)
    waiting = [socket.create_connection(("127.0.0.1", frontend.port), timeout=10) for _ in range(50)]
    for connection in waiting:
        connection.sendall(b"GET /version HTTP/1.1\r\nHost: here\r\n\r\n")
    frontend.process.send_signal(signal.SIGTERM)
    wait_for(lambda: "Handling signal: term" in frontend.out.read_text(), "SIGTERM to arrive")
    os.kill(worker, signal.SIGCONT)
    answers = [connection.makefile("rb").read() for connection in waiting]
    assert [answer for answer in answers if b'"name":"frontend-1"' not in answer] == []
    assert all(b"Connection: close" in answer for answer in answers)
    assert frontend.process.wait(timeout=10) == 0
