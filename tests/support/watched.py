"""Run a playbook whose lines are read as they come, so that something can be done to it when it begins a task."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.cloud import ROOT
from tests.support.process import kill_tree

LIMIT = 900  # seconds after which a playbook is ended
# Without skipped hosts, Ansible names a task when its first host is done, not when it begins.
AT_ONCE = {"ANSIBLE_DISPLAY_SKIPPED_HOSTS": "true"}
Process = subprocess.Popen[str]


class RunError(RuntimeError):
    """A playbook did not go as a test needs it; the message has its last lines."""


@dataclass(frozen=True)
class Strike:
    """What is done to a run when it begins a task (its name and which time, from 1)."""

    task: str
    time: int
    act: Callable[[Process], None]


@dataclass(frozen=True)
class Run:
    """How a playbook ended. lines: (seconds since it began, line)."""

    status: int
    seconds: float
    lines: list[tuple[float, str]] = field(repr=False)

    @property
    def output(self) -> str:
        return "".join(line for _, line in self.lines)

    def must_succeed(self) -> Run:
        if self.status:
            raise RunError(f"status {self.status} after {self.seconds:.0f} s\n{self.output[-4000:]}")
        return self


def kill_after(seconds: float) -> Callable[[Process], None]:
    """What ends a run and everything that it started, some moments after it has begun a task."""

    def act(process: Process) -> None:
        time.sleep(seconds)
        kill_tree(process.pid)

    return act


def watch(command: Sequence[str], environment: Mapping[str, str], strike: Strike | None = None) -> Run:
    """Run a playbook's command."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**environment, **AT_ONCE},
    )  # fmt: skip
    late = threading.Timer(LIMIT, kill_tree, (process.pid,))
    late.start()
    began, lines, seen = time.monotonic(), list[tuple[float, str]](), 0
    try:
        for line in process.stdout or ():
            lines.append((time.monotonic() - began, line))
            if strike and line.startswith("TASK [") and line.split("]")[0].endswith(f" : {strike.task}"):
                seen += 1
                if seen == strike.time:
                    strike.act(process)
        status = process.wait()
    except BaseException:
        kill_tree(process.pid)
        raise
    finally:
        late.cancel()
    run = Run(status, time.monotonic() - began, lines)
    if strike and seen < strike.time:
        raise RunError(f"the run began {strike.task!r} {seen} times, not {strike.time}:\n{run.output[-4000:]}")
    return run
