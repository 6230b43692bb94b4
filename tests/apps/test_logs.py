"""The log: nobody has to read it, and nothing that a visitor sends controls a terminal."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.apps.conftest import StartApplication
from tests.apps.processes import Application, wait_for

# More than the queue holds, in two parts.
REQUESTS = 4_000
F_SETPIPE_SZ = 1031


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe with room for little; what it is read with, and written with."""
    ends = os.pipe()
    fcntl.fcntl(ends[0], F_SETPIPE_SZ, 4096)
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def ask_often(application: Application, times: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", application.port, timeout=10)
    for number in range(times):
        connection.request("GET", "/version", headers={"X-Request-Id": f"walk-{number}"})
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 200
    connection.close()


def resident(application: Application) -> int:
    """What the worker holds in memory, in KB."""
    (child,) = open(f"/proc/{application.process.pid}/task/{application.process.pid}/children").read().split()  # noqa: SIM115
    status = open(f"/proc/{child}/status").read()  # noqa: SIM115
    return int(status.partition("VmRSS:")[2].split()[0])


def test_a_log_that_nobody_reads(start: StartApplication, pipe: tuple[int, int]):
    read, write = pipe
    frontend = start("frontend", API="http://127.0.0.1:1", out=write)
    frontend.wait()
    ask_often(frontend, REQUESTS)
    before = resident(frontend)
    ask_often(frontend, REQUESTS)
    assert resident(frontend) - before < 1_000
    for path, status in (("/passthrough", 502), ("/healthz", 200), ("/nowhere", 404)):
        assert frontend.get(path).status == status
    # Read again, it tells what is missing.
    os.set_blocking(read, False)
    seen = b""

    def read_on() -> list[dict]:
        nonlocal seen
        with suppress(BlockingIOError):
            while more := os.read(read, 65536):
                seen += more
        told = [json.loads(line) for line in seen.splitlines() if line.endswith(b"}")]
        return [line for line in told if "dropped" in line.get("message", "")]

    (told,) = wait_for(read_on, "a line that counts what was dropped")
    assert told["level"] == "warning"
    assert REQUESTS / 2 < told["dropped"] < 2 * REQUESTS
    began = time.monotonic()
    assert frontend.stop() == 0
    assert time.monotonic() - began < 10


def test_sigterm_while_nobody_reads(start: StartApplication, pipe: tuple[int, int]):
    frontend = start("frontend", API="http://127.0.0.1:1", out=pipe[1])
    frontend.wait()
    ask_often(frontend, 200)
    assert frontend.stop() == 0


def test_a_log_that_is_gone(start: StartApplication, pipe: tuple[int, int]):
    read, write = pipe
    frontend = start("frontend", API="http://127.0.0.1:1", out=write)
    frontend.wait()
    os.close(read)
    ask_often(frontend, 200)
    for path, status in (("/passthrough", 502), ("/healthz", 200)):
        assert frontend.get(path).status == status
    assert frontend.stop() == 0


def test_control_characters_are_escaped(start: StartApplication):
    frontend = start("frontend", API="http://127.0.0.1:1")
    frontend.wait()
    # CSI and its like as C1, DEL, a line separator, right-to-left: as bytes, and percent-encoded.
    unfit = "\x9b2J\x7f\u2028\u202e\x1b[2J\r\n"
    path = "/" + "".join(f"%{byte:02x}" for byte in unfit.encode() + bytes(range(0x7F, 0xA0)))
    frontend.get(path, {"X-Request-Id": "seen"})
    with socket.create_connection(("127.0.0.1", frontend.port), timeout=10) as connection:
        connection.sendall(b"\x9b2J \x7f /\xc2\x9b HTTP/1.1\r\n\r\n")
        connection.recv(4096)
    wait_for(lambda: any("Invalid request" in line.get("message", "") for line in frontend.log()), "a line about it")
    assert wait_for(lambda: any(line.get("request_id") == "seen" for line in frontend.log()), "a line about it")
    written = frontend.out.read_bytes() + frontend.err.read_bytes()
    assert not [byte for byte in written if byte >= 0x7F or (byte < 0x20 and byte != 0x0A)]
