"""Modules as Ansible runs them, a Docker that answers what a test wants, and an application in a container."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any


def run(module: ModuleType, arguments: dict[str, Any], path: str) -> dict[str, Any]:
    """What the module answers when Ansible runs it with these arguments. path: where it finds programs."""
    assert module.__file__
    done = subprocess.run(
        [sys.executable, module.__file__, json.dumps({"ANSIBLE_MODULE_ARGS": arguments})],
        env={**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def fake_docker(folder: Path, script: str) -> None:
    """A `docker` in the folder, which is this shell script."""
    (folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "docker").chmod(0o755)


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
