"""Removes everything of a local cloud without its daemon, also after it was killed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..settings import Settings
from . import namespaces
from .guard import Guard
from .namespaces import run
from .uplink import own_links

END_SECONDS = 5


def sweep(settings: Settings) -> list[str]:
    """Remove containers, volumes, processes, namespaces, links and, last, the guard. Returns a line for each.

    Finds everything by the cloud's name, so that other clouds are not touched.
    """
    removed = [*_containers(settings), *_volumes(settings), *_name_servers(settings), *_commands(settings)]
    removed += [*_links(settings), *_namespaces(settings)]
    guard = Guard(settings)
    if guard.exists():
        guard.down()
        removed.append(f"firewall table {settings.guard_table}")
    dns = settings.state_dir / "dns"
    if dns.is_dir():
        shutil.rmtree(dns)
    return removed


def _docker(*arguments: str) -> list[str]:
    """The output of a docker command, by words; empty if no daemon answers."""
    if not shutil.which("docker"):
        return []
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120, check=False)
    return done.stdout.split() if done.returncode == 0 else []


def _containers(settings: Settings) -> Iterator[str]:
    mine = f"label={settings.label}={settings.name}"
    names = _docker("ps", "-a", "--filter", mine, "--format", "{{.Names}}")
    if names:
        _docker("rm", "--force", "--volumes", *names)
    yield from (f"container {name}" for name in names)


def _volumes(settings: Settings) -> Iterator[str]:
    names = _docker("volume", "ls", "--quiet", "--filter", f"label={settings.label}={settings.name}")
    if names:
        _docker("volume", "rm", "--force", *names)
    yield from (f"volume {name}" for name in names)


def _name_servers(settings: Settings) -> Iterator[str]:
    """The dnsmasq processes that read this cloud's files."""
    marker = f"--addn-hosts={settings.state_dir}/dns/"
    for pid, words in processes():
        if words[0].endswith("dnsmasq") and any(word.startswith(marker) for word in words):
            _end(pid, signal.SIGKILL)
            yield f"process {pid} (dnsmasq)"


def _commands(settings: Settings) -> Iterator[str]:
    """End processes that `exec` started and that still run, for example a persistent SSH connection."""
    own = set(_ancestors(os.getpid()))
    for name in filter(_is_mine(settings), namespaces.names()):
        for pid in map(int, run("ip", "netns", "pids", name, check=False).split()):
            if pid not in own:
                _end(pid, signal.SIGTERM)
                yield f"process {pid}"


def processes() -> Iterator[tuple[int, list[str]]]:
    """The machine's processes: PID and command line."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            except OSError:
                continue
            if words:
                yield int(entry.name), words


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 0:
        yield pid
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _end(pid: int, kind: signal.Signals) -> None:
    """Signal the process and wait a while until it is gone or a zombie."""
    try:
        os.kill(pid, kind)
        end = time.monotonic() + END_SECONDS
        while time.monotonic() < end and ") Z " not in Path(f"/proc/{pid}/stat").read_text():
            time.sleep(0.01)
    except (ProcessLookupError, FileNotFoundError):
        return


def _namespaces(settings: Settings) -> Iterator[str]:
    for name in filter(_is_mine(settings), namespaces.names()):
        namespaces.delete(name)
        yield f"network namespace {name}"


def _is_mine(settings: Settings) -> Callable[[str], object]:
    return re.compile(rf"{re.escape(settings.name)}-(internet|vpc-[0-9a-f]+)").fullmatch


def _links(settings: Settings) -> Iterator[str]:
    for link in own_links(settings):
        run("ip", "link", "del", link, check=False)
        yield f"link {link}"
