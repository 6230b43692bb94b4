"""End a process and everything that it started the hard way, as a machine that loses power would."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path


def kill_tree(pid: int) -> None:
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
