"""Slow clients harm only themselves: beside two hundred of each kind, every other visitor is answered."""

from __future__ import annotations

import http.client
import threading
import time

import pytest

from tests.apps.conftest import StartApplication
from tests.apps.processes import Application
from tests.apps.slow import Kind, SlowClients

HELD = 200
SECONDS = 5
# Answered in a second on a machine with nothing else to do; what is counted is who is not answered at all.
PATIENCE = 4.0
GET = b"GET / HTTP/1.1\r\nHost: slow\r\nAccept: text/html\r\n"

KINDS = {
    "nothing sent": Kind(b""),
    "half a request line": Kind(b"G", b"E"),
    "headers without end": Kind(GET, b"X-More: x\r\n"),
    "body": Kind(b"POST /version HTTP/1.1\r\nHost: slow\r\nContent-Length: 9999\r\n\r\n", b"x"),
    "body of a GET": Kind(GET + b"Content-Length: 9999\r\n\r\n", b"x"),
    "chunks": Kind(b"PUT / HTTP/1.1\r\nHost: slow\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "kept and idle": Kind(GET + b"\r\n"),
    "answers not read": Kind((GET + b"\r\n") * 100, reads=False),
}


def visit(application: Application, seconds: float, patience: float = PATIENCE) -> tuple[int, list[str]]:
    """Ask for `/version` on new connections: how many were answered, and what became of the others."""
    answered, failed = 0, []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", application.port, timeout=patience)
        try:
            connection.request("GET", "/version")
            assert connection.getresponse().status == 200
            answered += 1
        except (OSError, http.client.HTTPException) as error:
            failed.append(repr(error))
        finally:
            connection.close()
        threading.Event().wait(0.05)
    return answered, failed


def start_one(start: StartApplication, which: str) -> Application:
    needs = {"frontend": {"API": "http://127.0.0.1:1"}, "backend": {"DBCONNECTIONSTRING": "host=127.0.0.1 port=1"}}
    application = start(which, **needs[which])
    application.wait()
    return application


@pytest.mark.parametrize(
    ("which", "kind"),
    [*(("frontend", kind) for kind in KINDS), ("backend", "body"), ("backend", "headers without end")],
)
def test_visitors_beside_slow_clients(start: StartApplication, which: str, kind: str):
    application = start_one(start, which)
    with SlowClients(application.port, KINDS[kind], HELD):
        if not KINDS[kind].reads:
            # Their answers are made first, as many as the kernel takes.
            application.wait("/version", seconds=60)
        answered, failed = visit(application, SECONDS)
    assert not failed, f"{len(failed)} of {answered + len(failed)} visitors: {failed[0]}"
    assert not [line for line in application.log() if "exception" in line or "TIMEOUT" in line.get("message", "")]


@pytest.mark.parametrize("kind", ["nothing sent", "headers without end", "kept and idle"])
def test_more_slow_clients_than_connections(start: StartApplication, kind: str):
    application = start_one(start, "frontend")
    # A worker has 1,000: clients that hold one for nothing lose it when they become many.
    with SlowClients(application.port, KINDS[kind], 1_300):
        answered, failed = visit(application, 1, patience=20)
    assert answered, failed


def test_a_kept_connection_outlives_those_that_never_asked(start: StartApplication):
    application = start_one(start, "frontend")
    connection = http.client.HTTPConnection("127.0.0.1", application.port, timeout=10)
    for idle in (0, 12):
        time.sleep(idle)
        connection.request("GET", "/version")
        reply = connection.getresponse()
        assert (reply.status, reply.headers["Connection"]) == (200, "keep-alive")
        reply.read()
    connection.close()
