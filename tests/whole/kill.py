"""Kill a playbook at some point of its run."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys

from tests.support.cloud import ROOT, Cloud
from tests.support.process import kill_tree

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
        kill_tree(process.pid)
    process.wait()
    return was_running
