"""The frontend before a backend that is down, slow or lying: JSON with 502 or 504 within 5 s, never a stack trace."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from tests.apps.conftest import Liar, StartApplication
from tests.apps.processes import free_port, make_certificate

VERSION = b'{"name":"liar","version":"9"}'


def response(
    body: bytes = VERSION, *, status: str = "200 OK", headers: bytes = b"", length: int | None = None
) -> bytes:
    length = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n".encode() + headers + b"\r\n" + body


def chunked(size: bytes, body: bytes = VERSION) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\n" + body + b"\r\n0\r\n\r\n"


def send(data: bytes):
    """A backend that answers one request of each connection with these bytes."""

    def behave(liar: Liar, connected: socket.socket) -> None:
        if liar.request(connected):
            connected.sendall(data)

    return behave


def say_nothing(liar: Liar, connected: socket.socket) -> None:
    liar.ended.wait(20)


def drip(data: bytes):
    """A byte now and then: each read succeeds, the whole never ends."""

    def behave(liar: Liar, connected: socket.socket) -> None:
        liar.request(connected)
        for byte in data * 50:
            if liar.ended.wait(0.2):
                return
            connected.sendall(bytes([byte]))

    return behave


def endless(liar: Liar, connected: socket.socket) -> None:
    liar.request(connected)
    connected.sendall(response(b"", length=1 << 40))
    while not liar.ended.is_set():
        connected.sendall(b"x" * 65536)


LIES = {
    "closes at once": (lambda liar, connected: None, 502),
    "closes after the request": (send(b""), 502),
    "no HTTP": (send(b"220 mail.example.com ESMTP\r\n\r\n"), 502),
    "half a header": (send(b"HTTP/1.1 200 OK\r\nContent-Le"), 502),
    "body shorter than it says": (send(response(length=999)), 502),
    "empty body": (send(response(b"")), 502),
    "HTML": (send(response(b"<html>It works!</html>", headers=b"Content-Type: text/html\r\n")), 502),
    "broken JSON": (send(response(b'{"name": ')), 502),
    "JSON of another shape": (send(response(b"[1, 2]")), 502),
    "JSON without a name": (send(response(b'{"version": "1"}')), 502),
    "JSON 90,000 deep": (send(response(b"[" * 90_000 + b"]" * 90_000)), 502),
    "objects 90,000 deep": (send(response(b'{"name":' * 90_000 + b"1" + b"}" * 90_000)), 502),
    "a deep error": (send(response(b"[" * 90_000 + b"]" * 90_000, status="500 Oops")), 502),
    "NaN": (send(response(VERSION[:-1] + b',"x":NaN}')), 502),
    "NaN in an error": (send(response(b"[NaN]", status="500 Oops")), 502),
    "a number without bounds": (send(response(VERSION[:-1] + b',"x":1e999}')), 502),
    "a number of 5,000 digits": (send(response(VERSION[:-1] + b',"x":' + b"1" * 5000 + b"}")), 502),
    "half a character": (send(response(b'{"name":"\\ud800","version":"9"}')), 502),
    "not UTF-8": (send(response(b'{"name":"\xff","version":"9"}')), 502),
    "UTF-16": (send(response(VERSION.decode().encode("utf-16"))), 502),
    "a name that is none": (send(response(b'{"name":["liar"],"version":"9"}')), 502),
    "a negative chunk size": (send(chunked(b"-5")), 502),
    "a chunk size with a prefix": (send(chunked(b"0x1d")), 502),
    "a chunk size with an underscore": (send(chunked(b"1_d")), 502),
    "a chunk size with a sign": (send(chunked(b"+1d")), 502),
    "a chunk size without bounds": (send(chunked(b"f" * 40)), 502),
    "no chunk size": (send(chunked(b"")), 502),
    "a negative length": (send(response(length=-1)), 502),
    "two lengths": (send(response(headers=b"Content-Length: 3\r\n")), 502),
    "a header without a colon": (send(response(headers=b"nonsense\r\n")), 502),
    "a status of four digits": (send(response(status="2000 OK")), 502),
    "an unknown status": (send(response(status="999 OK")), 502),
    "an endless prelude": (send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), 502),
    "a load balancer's HTML error": (send(response(b"<html>503</html>", status="503 Service Unavailable")), 502),
    "a redirect": (send(response(b"", status="302 Found", headers=b"Location: http://example.com/\r\n")), 502),
    "endless body": (endless, 502),
    "endless headers": (send(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100000), 502),
    "silence": (say_nothing, 504),
    "dripping status line": (drip(b"HTTP/1.1 200 OK"), 504),
    "dripping body": (drip(response(length=9999)), 504),
}


@pytest.mark.parametrize("lie_name", LIES)
def test_a_lying_backend(start: StartApplication, lie, lie_name: str):
    behave, status = LIES[lie_name]
    frontend = start("frontend", API=lie(behave).url)
    frontend.wait()
    for path, expected in (("/passthrough", status), ("/readyz", 503), ("/status", 200)):
        reply = frontend.get(path)
        assert (path, reply.status) == (path, expected), reply.body
        assert reply.seconds < 5
        assert reply.headers.get_content_type() == "application/json"
        assert reply.json
    assert not [line for line in frontend.log() if "exception" in line]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "nobody.invalid"])
def test_nobody_there(start: StartApplication, host: str):
    frontend = start("frontend", API=f"http://{host}:{free_port()}")
    frontend.wait()
    reply = frontend.get("/passthrough")
    assert reply.status in ((502,) if host != "nobody.invalid" else (502, 504))
    assert reply.seconds < 5
    assert reply.json["error"]


def test_a_host_that_swallows_packets(start: StartApplication):
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        # A full queue of connections: the kernel drops every further one.
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        frontend = start("frontend", API=f"http://127.0.0.1:{full.getsockname()[1]}")
        frontend.wait()
        reply = frontend.get("/passthrough")
    assert reply.status == 504
    assert reply.seconds < 5


@pytest.mark.parametrize(
    "status", ["200 OK", "418 I'm a teapot", "500 Internal Server Error", "503 Service Unavailable"]
)
def test_body_and_status_are_passed_on(start: StartApplication, lie, status: str):
    body = b'{"name":"liar",  "version":"9", "more": [1]}'
    frontend = start("frontend", API=lie(send(response(body, status=status))).url)
    frontend.wait()
    reply = frontend.get("/passthrough")
    assert (reply.status, reply.body) == (int(status[:3]), body)


@pytest.mark.parametrize(
    "more",
    [b'"instances": 7', b'"instances": [1]', b'"database": 7', b'"instances": [{"name": NaN}]',
     b'"instances": [{"name": "\\udfff"}]', b'"x": ' + b"[" * 90_000 + b"]" * 90_000],
    ids=["number", "list of numbers", "database", "NaN", "half a character", "deep"],
)  # fmt: skip
def test_the_status_survives_nonsense(start: StartApplication, lie, more: bytes):
    frontend = start("frontend", API=lie(send(response(VERSION[:-1] + b"," + more + b"}"))).url)
    frontend.wait()
    reply = frontend.get("/status")
    assert (reply.status, reply.json["backend"]["reachable"]) == (200, False)
    assert reply.json["backend"]["error"]


def test_good_chunks_and_good_characters_pass(start: StartApplication, lie):
    body = '{"name":"zürich ☃ \\ud83d\\ude00","version":"9","x":[1e30,null]}'.encode()
    frontend = start("frontend", API=lie(send(chunked(b"%X;ext=1" % len(body), body))).url)
    frontend.wait()
    assert frontend.get("/passthrough").body == body


def unasked(liar: Liar, connected: socket.socket) -> None:
    """Each answer is followed at once by another, which nobody asked for."""
    while liar.request(connected):
        connected.sendall(response() + response(b'{"name":"unasked","version":"9"}'))


def unasked_later(liar: Liar, connected: socket.socket) -> None:
    while liar.request(connected):
        connected.sendall(response())
        liar.ended.wait(0.2)
        connected.sendall(response(b'{"name":"unasked","version":"9"}'))


def half_unasked(liar: Liar, connected: socket.socket) -> None:
    while liar.request(connected):
        connected.sendall(response() + b"H")


@pytest.mark.parametrize("behave", [unasked, unasked_later, half_unasked])
def test_a_connection_with_unread_data_is_not_used_again(start: StartApplication, lie, behave):
    liar = lie(behave)
    frontend = start("frontend", API=liar.url)
    frontend.wait()
    for _ in range(5):
        assert frontend.get("/passthrough").json["name"] == "liar"
        liar.ended.wait(0.4)
    assert liar.connections == 5


def keep_answering(liar: Liar, connected: socket.socket) -> None:
    while liar.request(connected):
        connected.sendall(response())


def test_connections_are_kept(start: StartApplication, lie):
    liar = lie(keep_answering)
    frontend = start("frontend", API=liar.url)
    frontend.wait()
    assert {frontend.get("/passthrough").status for _ in range(20)} == {200}
    assert len(liar.requests) == 20
    assert liar.connections == 1


@pytest.mark.parametrize("ending", [b"", b"Connection: close\r\n"])
def test_a_backend_that_closes_after_each_answer(start: StartApplication, lie, ending: bytes):
    liar = lie(send(response(headers=ending)))
    frontend = start("frontend", API=liar.url)
    frontend.wait()
    assert {frontend.get("/passthrough").status for _ in range(20)} == {200}


def test_a_kept_connection_that_dies_under_the_request_is_replaced(start: StartApplication, lie):
    def answer_once_then_close_on_request(liar: Liar, connected: socket.socket) -> None:
        liar.request(connected)
        connected.sendall(response())
        # The second request is read, then dropped: the frontend cannot know before it has asked.
        liar.request(connected)

    liar = lie(answer_once_then_close_on_request)
    frontend = start("frontend", API=liar.url)
    frontend.wait()
    assert {frontend.get("/passthrough").status for _ in range(6)} == {200}


def test_a_path_in_the_url_is_kept(start: StartApplication, lie):
    liar = lie(keep_answering)
    frontend = start("frontend", API=liar.url + "/api/")
    frontend.wait()
    assert frontend.get("/passthrough").status == 200
    assert liar.requests[0].startswith(b"GET /api/version HTTP/1.1\r\n")
    assert f"Host: {liar.url.removeprefix('http://')}".encode() in liar.requests[0]


def test_a_backend_that_comes_back(start: StartApplication, lie):
    port = str(free_port())
    frontend = start("frontend", API=f"http://127.0.0.1:{port}")
    frontend.wait("/passthrough", 502)
    backend = start("backend", PORT=port, DBCONNECTIONSTRING="dbname=none host=127.0.0.1 port=1")
    backend.wait()
    assert frontend.get("/passthrough").json["name"] == "backend-1"


@pytest.mark.parametrize(("trusted", "status"), [(True, 200), (False, 502)])
def test_a_backend_behind_tls(start: StartApplication, lie, tmp_path: Path, trusted: bool, status: int):
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    make_certificate(certificate, key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def answer(liar: Liar, connected: socket.socket) -> None:
        with context.wrap_socket(connected, server_side=True) as encrypted:
            keep_answering(liar, encrypted)

    liar = lie(answer)
    trust = {"SSL_CERT_FILE": str(certificate)} if trusted else {}
    frontend = start("frontend", API=liar.url.replace("http://127.0.0.1", "https://localhost"), **trust)
    frontend.wait()
    assert [frontend.get("/passthrough").status for _ in range(3)] == [status] * 3
    assert liar.connections == (1 if trusted else 3)
