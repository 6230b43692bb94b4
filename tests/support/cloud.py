"""A local cloud with one environment: run playbooks in its internet, list its account."""

from __future__ import annotations

import json
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud import testing
from localcloud.testing import tail

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


class Cloud(testing.Cloud):
    """env_name: the environment that playbooks act on: not `local`, which may be the developer's own.

    operator: whose access key they use, as environment variables; empty: the account's own, which may do anything.
    """

    def __init__(self, name: str, env_name: str, inventory: str = "inventory/local") -> None:
        super().__init__(name, ROOT)
        self.env_name, self.inventory = env_name, inventory
        self.operator: dict[str, str] = {}

    @property
    def prefix(self) -> str:
        return f"tandem-{self.env_name}"

    @property
    def state(self) -> Path:
        """Where this machine keeps what it fetched of the environment."""
        return ROOT / ".state" / self.name / self.prefix

    def playbook(self, playbook: str, *options: str, timeout: float = 900) -> Run:
        before, began = len(self.journal()), time.monotonic()
        done = self.exec(*self.playbook_command(playbook, *options), timeout=timeout)
        return Run(done.returncode, done.stdout, time.monotonic() - began, self.journal()[before:])

    def playbook_command(self, playbook: str, *options: str) -> list[str]:
        where = ["-i", self.inventory, playbook, "-e", f"env_name={self.env_name}"]
        key = [f"{name}={value}" for name, value in self.operator.items()]
        return ["env", *key, str(Path(sys.executable).with_name("ansible-playbook")), *where, *options]

    def listing(self) -> set[str]:
        """Everything in the account (see tests.support.account)."""
        done = self.exec(sys.executable, "-m", "tests.support.account")
        assert done.returncode == 0, tail(done.stdout)
        return set(json.loads(done.stdout.splitlines()[-1]))
