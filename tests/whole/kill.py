"""End a playbook the hard way, as a machine that loses power would."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.support.cloud import ROOT, Cloud

POINTS = 10


def points(seed: str, what: str, torture: bool) -> list[float]:
    """At which shares of a run to kill it: ten, spread evenly, or one of them."""
    every = [(number + 0.5) / POINTS for number in range(POINTS)]
    return every if torture else random.Random(f"{seed} {what}").sample(every, 1)


def run_and_kill(cloud: Cloud, seconds: float, playbook: str, *options: str) -> bool:
    """Start a playbook, and kill it with everything that it started. Returns whether it was still running then."""
    command = [sys.executable, "-m", "localcloud.cli", "exec", "--", *cloud.playbook_command(playbook, *options)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=cloud.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    was_running = process.poll() is None
    if was_running:
        _kill_tree(process.pid)
    process.wait()
    return was_running


def _kill_tree(pid: int) -> None:
    """Stop everything first, so that no parent can start another child or notice that one died."""
    victims: list[int] = []
    queue = [pid]
    while queue:
        victim = queue.pop()
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGSTOP)
            victims.append(victim)
            queue += _children(victim)
    for victim in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    end = time.monotonic() + 10
    while any(Path(f"/proc/{victim}/cmdline").exists() and _runs(victim) for victim in victims):
        assert time.monotonic() < end, "killed processes did not end within 10 s"
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _runs(pid: int) -> bool:
    """Whether the process is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
