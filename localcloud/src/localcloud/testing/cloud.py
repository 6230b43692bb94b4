"""A local cloud for a test: starts it, runs commands in its internet, reads its journal."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any


class Cloud:
    """A local cloud with its own name and port. folder: working directory of its commands."""

    def __init__(self, name: str, folder: Path | None = None) -> None:
        self.name, self.folder = name, folder
        self.environment = {**os.environ, "LOCALCLOUD_NAME": name, "LOCALCLOUD_PORT": str(free_port())}

    @staticmethod
    def command(*arguments: str) -> list[str]:
        """The `localcloud` command of this virtual environment with these arguments."""
        return [sys.executable, "-m", "localcloud.cli", *arguments]

    def localcloud(self, *arguments: str) -> str:
        """Output of the `localcloud` command. Raises RuntimeError if it fails."""
        done = self._run(self.command(*arguments), 600)
        if done.returncode:
            raise RuntimeError(f"localcloud {' '.join(arguments)}: status {done.returncode}\n{tail(done.stdout)}")
        return done.stdout

    def exec(self, *command: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command in the simulated internet."""
        return self._run(self.command("exec", "--", *command), timeout)

    def journal(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.localcloud("journal").splitlines()]

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self.localcloud("status", "--json"))
        return status

    def _run(self, command: list[str], timeout: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def tail(output: str, lines: int = 60) -> str:
    return "\n".join(output.splitlines()[-lines:])
