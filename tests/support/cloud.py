"""A local cloud for a test: bring it up, run playbooks in its internet, read its journal, list its account."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """How a playbook ended. calls: what it asked of the API, as the journal has it."""

    status: int
    output: str
    seconds: float
    calls: list[dict[str, Any]] = field(repr=False)

    @property
    def changed(self) -> int:
        """Changed tasks over all hosts."""
        return sum(int(changed) for _, _, changed, _, _ in RECAP.findall(self.output))

    @property
    def mutating(self) -> list[str]:
        """Calls that changed something, or were meant to."""
        return [f"{call['service']}:{call['action']}" for call in self.calls if call["mutating"]]

    def must_succeed(self) -> Run:
        assert self.status == 0, f"status {self.status} after {self.seconds:.0f} s\n{tail(self.output)}"
        return self


class Cloud:
    """A local cloud of its own name, with one environment.

    env_name: the environment that playbooks act on: not `local`, which may be the developer's own.
    operator: whose access key they use, as environment variables; empty: the account's own, which may do anything.
    """

    def __init__(self, name: str, env_name: str, inventory: str = "inventory/local") -> None:
        self.name, self.env_name, self.inventory = name, env_name, inventory
        self.operator: dict[str, str] = {}
        self.environment = {**os.environ, "LOCALCLOUD_NAME": name, "LOCALCLOUD_PORT": str(free_port())}

    @property
    def prefix(self) -> str:
        return f"tandem-{self.env_name}"

    @property
    def state(self) -> Path:
        """Where this machine keeps what it fetched of the environment."""
        return ROOT / ".state" / self.name / self.prefix

    def localcloud(self, *arguments: str) -> str:
        """Output of the `localcloud` command; fails the test where it fails."""
        done = self._run([sys.executable, "-m", "localcloud.cli", *arguments], 600)
        assert done.returncode == 0, f"localcloud {' '.join(arguments)}: status {done.returncode}\n{tail(done.stdout)}"
        return done.stdout

    def exec(self, *command: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command in the simulated internet."""
        return self._run([sys.executable, "-m", "localcloud.cli", "exec", "--", *command], timeout)

    def playbook(self, playbook: str, *options: str, timeout: float = 900) -> Run:
        before, began = len(self.journal()), time.monotonic()
        done = self.exec(*self.playbook_command(playbook, *options), timeout=timeout)
        return Run(done.returncode, done.stdout, time.monotonic() - began, self.journal()[before:])

    def playbook_command(self, playbook: str, *options: str) -> list[str]:
        where = ["-i", self.inventory, playbook, "-e", f"env_name={self.env_name}"]
        key = [f"{name}={value}" for name, value in self.operator.items()]
        return ["env", *key, str(Path(sys.executable).with_name("ansible-playbook")), *where, *options]

    def journal(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.localcloud("journal").splitlines()]

    def listing(self) -> set[str]:
        """Everything in the account (see tests.support.account)."""
        done = self.exec(sys.executable, "-m", "tests.support.account")
        assert done.returncode == 0, tail(done.stdout)
        return set(json.loads(done.stdout.splitlines()[-1]))

    def status(self) -> dict[str, Any]:
        return json.loads(self.localcloud("status", "--json"))

    def _run(self, command: list[str], timeout: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=ROOT,
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
