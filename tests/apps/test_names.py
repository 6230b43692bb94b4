"""The frontend and a name server that hangs, in a network of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.apps.conftest import StartApplication
from tests.apps.processes import wait_for

NAME = "backend.example"
BACKEND = """
import http.server, json
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    def do_GET(self):
        body = json.dumps({"name": "found", "version": "1"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", 5001), Answer).serve_forever()
"""

# Takes questions and notes each; answers once it may.
NAME_SERVER = """
import pathlib, socket, sys
from tests.bench.apps.names import answer
asked, back = map(pathlib.Path, sys.argv[1:])
server = socket.socket(type=socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while True:
    question, asker = server.recvfrom(512)
    with asked.open("a") as file:
        file.write(".")
    if back.exists():
        server.sendto(answer(question, b"\\x7f\\0\\0\\1"), asker)
"""


@pytest.fixture
def inside() -> Iterator[tuple[str, ...]]:
    """The command that enters a network namespace with nothing but a loopback, whose name server is there."""
    if os.geteuid() != 0:
        pytest.skip("only root may make a network namespace")
    name = f"apps-names-{os.getpid()}"
    folder = Path("/etc/netns") / name
    folder.mkdir(parents=True)
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (folder / "nsswitch.conf").write_text("hosts: files dns\n")
    subprocess.run(["ip", "netns", "add", name], check=True)
    subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
    yield ("ip", "netns", "exec", name)
    subprocess.run(["ip", "netns", "delete", name], check=True)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


@pytest.fixture
def run(inside: tuple[str, ...]) -> Iterator[Callable[..., subprocess.Popen]]:
    """Run Python in the namespace; ended after the test."""
    running: list[subprocess.Popen] = []

    def run_one(*arguments: str) -> subprocess.Popen:
        running.append(subprocess.Popen([*inside, sys.executable, *arguments]))
        return running[-1]

    yield run_one
    for process in running:
        process.kill()
        process.wait()


def test_a_name_server_that_hung_leaves_no_queue(start: StartApplication, inside, run, tmp_path: Path):
    run("-c", BACKEND)
    asked, back = tmp_path / "asked", tmp_path / "back"
    asked.touch()
    run("-c", NAME_SERVER, str(asked), str(back))
    frontend = start("frontend", wrap=inside, API=f"http://{NAME}:5001")

    def ask() -> str:
        command = [*inside, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "10"]
        return subprocess.run([*command, f"{frontend.url}/passthrough"], capture_output=True, text=True).stdout

    wait_for(lambda: ask() == "504", "a look-up without an answer", 30)
    # Visitors come meanwhile, more than there are look-ups at once.
    asking = [threading.Thread(target=ask) for _ in range(40)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    back.touch()
    began, before = time.monotonic(), asked.stat().st_size
    wait_for(lambda: ask() == "200", "an answer", 30)
    # A look-up that hangs is joined by another after a second, and asks again after a second itself.
    assert time.monotonic() - began < 6
    time.sleep(1)
    # Two questions each (IPv4, IPv6) of at most four look-ups, each asked again: not those of forty visitors.
    assert asked.stat().st_size - before <= 20
