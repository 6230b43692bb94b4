"""What no application ever sees, or never should: each refusal is JSON with a request id, and a line in the log."""

from __future__ import annotations

import json
import re
import socket
from functools import partial

import pytest

from tests.apps.conftest import StartApplication
from tests.apps.processes import Application, wait_for

HOST = b"Host: here\r\n"
REFUSED = {
    "no HTTP": (b"nonsense\r\n\r\n", 400),
    "an unknown version": (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", 400),
    "a header without a name": (b"GET / HTTP/1.1\r\n" + HOST + b": x\r\n\r\n", 400),
    "a control character": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: \x00\r\n\r\n", 400),
    "a length that is none": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400),
    "two ways to end a body": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
    ),
    "headers that never end": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\r\n", 408),
    "a long line": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "an expectation": (b"GET / HTTP/1.1\r\n" + HOST + b"Expect: miracles\r\n\r\n", 417),
    "a long header": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: " + b"b" * 20000 + b"\r\n\r\n", 431),
    "many headers": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\r\n" * 200 + b"\r\n", 431),
    "an unknown coding": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: rot13\r\n\r\n", 501),
    "a body": (b"POST /version HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nbody", 413),
    "a body to nowhere": (b"PUT /nowhere HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nbody", 413),
    "a body that never comes": (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\n", 413),
    "a body in chunks": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 413),
    "a request within a body": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 35\r\n\r\nGET /version HTTP/1.1\r\nHost: in\r\n\r\n\r\n", 413,
    ),
}  # fmt: skip


@pytest.fixture
def frontend(start: StartApplication) -> Application:
    application = start("frontend", API="http://127.0.0.1:1")
    application.wait()
    return application


def exchange(port: int, sent: bytes) -> bytes:
    """Everything that the server says until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        answer = b""
        while more := connection.recv(65536):
            answer += more
        return answer


def logged(application: Application, request_id: str) -> dict | None:
    return next((line for line in application.log() if line.get("request_id") == request_id), None)


@pytest.mark.parametrize("what", REFUSED)
def test_refused(frontend: Application, what: str):
    sent, status = REFUSED[what]
    head, _, body = exchange(frontend.port, sent).partition(b"\r\n\r\n")
    headers = dict(re.findall(r"^([^:\r\n]+): (.*?)\r?$", head.decode(), re.MULTILINE))
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert (headers["Content-Type"], headers["Connection"]) == ("application/json", "close")
    # One object and nothing behind it: what was sent as a body is not taken for a request.
    said = json.loads(body)
    assert said["error"]
    assert said["request_id"] == headers["X-Request-Id"]
    line = wait_for(partial(logged, frontend, said["request_id"]), "a line about it")
    assert line is not None
    assert line["status"] == status
    assert not [line for line in frontend.log() if "exception" in line]


@pytest.mark.parametrize(("method", "status"), [(b"GET", 200), (b"POST", 405), (b"HEAD", 200)])
def test_an_empty_body_is_none(frontend: Application, method: bytes, status: int):
    sent = method + b" /version HTTP/1.1\r\nConnection: close\r\n" + HOST + b"Content-Length: 0\r\n\r\n"
    assert exchange(frontend.port, sent).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    "headers",
    [{"X-Forwarded-Proto": "https"}, {"X-Forwarded-Proto": "http", "X-Forwarded-Ssl": "on"}, {"SCRIPT_NAME": "/version"},
     {"PATH_INFO": "/nowhere"}, {"Script-Name": "/version"}, {"X-Forwarded-For": "203.0.113.9"}, {"X_Request_Id": "forged"}],
)  # fmt: skip
def test_headers_that_a_proxy_might_set_change_nothing(frontend: Application, headers: dict[str, str]):
    reply = frontend.get("/version", headers)
    assert (reply.status, reply.json) == (200, {"name": "frontend-1", "version": "0.0.1"})
    assert reply.headers["X-Request-Id"] != "forged"
