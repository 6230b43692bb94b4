"""The module verify_probe, against real sockets on the loopback and, as root, in a network namespace of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.modules import verify_probe

from .helpers import run

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="enters network namespaces")


@pytest.fixture
def listener() -> Iterator[int]:
    """A port of 127.0.0.1 on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def web() -> Iterator[str]:
    """A web server that answers JSON on /version, text on /, and 503 elsewhere; a token to PUT."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            known = {"/version": b'{"name": "frontend-1"}', "/": b"Hello world!"}
            self.answer(200 if self.path in known else 503, known.get(self.path, b"away"))

        def do_PUT(self) -> None:
            self.answer(200, b"TOKEN")

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def run_module(**parameters: Any) -> dict[str, Any]:
    return run(verify_probe, parameters, os.environ["PATH"])


def test_open_and_refused(listener: int) -> None:
    probes = [
        {"to": "there", "host": "127.0.0.1", "port": listener},
        {"to": "gone", "host": "127.0.0.2", "port": listener},
    ]
    result = run_module(probes=probes, timeout=1)
    assert [(item["to"], item["answer"]) for item in result["probed"]] == [("there", "open"), ("gone", "refused")]
    assert result["changed"] is False


def test_a_name_that_nobody_knows() -> None:
    result = run_module(probes=[{"to": "nobody", "host": "nobody.invalid", "port": 1}], timeout=1)
    assert result["probed"][0]["answer"] == "no address"


def test_each_address_of_a_name_counts() -> None:
    """A destination with one open address is open, whatever the others say."""
    assert verify_probe.summary({"10.0.0.1": "timeout", "10.0.0.2": "open"}) == "open"
    assert verify_probe.summary({"10.0.0.1": "timeout", "10.0.0.2": "refused"}) == "refused"
    assert verify_probe.summary({"10.0.0.1": "timeout"}) == "timeout"


def test_no_packet_to_private_addresses_from_outside() -> None:
    """Elsewhere a private address is somebody else's: the answer comes at once, not after the timeout."""
    probes = [{"to": "backend-1", "host": "192.168.255.254", "port": 5001}]
    result = run_module(probes=probes, send_to_private=False, timeout=30)
    assert result["probed"][0]["addresses"] == {"192.168.255.254": "private"}
    assert result["probed"][0]["ms"] == 0


def test_questions_are_asked_as_often_as_wanted(web: str) -> None:
    asks = [{"id": "v", "url": f"{web}/version", "times": 3}, {"id": "bad", "url": f"{web}/x"}]
    version, bad = run_module(asks=asks)["asked"]
    assert [reply["json"] for reply in version["replies"]] == [{"name": "frontend-1"}] * 3
    assert (bad["replies"][0]["status"], bad["replies"][0]["text"]) == (503, "away")


def test_metadata_wants_a_token(web: str, listener: int) -> None:
    port = int(web.rpartition(":")[2])
    assert verify_probe.connect("127.0.0.1", port, "metadata", "", 1)[0] == "open"
    # Somebody who listens and never answers, as the metadata service is to a container.
    assert verify_probe.connect("127.0.0.1", listener, "metadata", "", 0.3)[0] == "timeout"


@root_only
def test_probes_enter_the_namespace_and_no_other_thread_does(listener: int) -> None:
    """In an empty network namespace the listener cannot be reached; outside it goes on being reachable."""
    empty = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert empty.stdout
    empty.stdout.readline()
    probes = [{"to": "there", "host": "127.0.0.1", "port": listener, "kind": "tcp"}] * 5
    inside = {"name": "container", "container": "empty", "address": "", "namespace": f"/proc/{empty.pid}/ns/net"}
    outside = {"name": "host", "container": None, "address": "", "namespace": None}
    addresses = {"127.0.0.1": ["127.0.0.1"]}
    try:
        with ExitStack() as pools:
            started = []
            for source in (inside, outside, inside, outside):
                started += verify_probe.start_from(source, probes, addresses, pools, 1, True)
            answers = [verify_probe.gather(*item) for item in started]
    finally:
        empty.communicate()
    assert {item["answer"] for item in answers if item["container"]} == {"unreachable"}
    assert {item["answer"] for item in answers if not item["container"]} == {"open"}
