"""Remove everything of one local cloud without its daemon: after a normal end, and after it was killed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from .dataplane import namespaces
from .dataplane.namespaces import run
from .dataplane.network import own_links
from .guard import Guard
from .settings import Settings

END_SECONDS = 10


def sweep(settings: Settings) -> list[str]:
    """Remove containers, volumes, processes, namespaces, links and the guard. Returns what there was, a line each.

    Everything is found by the cloud's name alone, so that nothing of another cloud is touched. The guard goes last.
    """
    removed = [*_containers(settings), *_volumes(settings), *_name_servers(settings)]
    removed += [*_links(settings), *_namespaces(settings)]
    guard = Guard(settings)
    if guard.stands():
        guard.down()
        removed.append(f"firewall table {settings.guard_table}")
    dns = settings.state_dir / "dns"
    if dns.is_dir():
        shutil.rmtree(dns)
    return removed


def _docker(*arguments: str) -> list[str]:
    """The lines that a docker command prints; none where no daemon answers."""
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
    marker = f"--addn-hosts={settings.state_dir}/dns/".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"dnsmasq") and any(word.startswith(marker) for word in words):
                _end(int(entry.name))
                yield f"process {entry.name} (dnsmasq)"


def _end(pid: int) -> None:
    """Kill the process and wait until it is gone, or only its parent has still to notice."""
    try:
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + END_SECONDS
        while time.monotonic() < end and ") Z " not in Path(f"/proc/{pid}/stat").read_text():
            time.sleep(0.01)
    except (ProcessLookupError, FileNotFoundError):
        return


def _namespaces(settings: Settings) -> Iterator[str]:
    mine = re.compile(rf"{re.escape(settings.name)}-(internet|vpc-[0-9a-f]+)")
    for name in namespaces.names():
        if mine.fullmatch(name):
            namespaces.delete(name)
            yield f"network namespace {name}"


def _links(settings: Settings) -> Iterator[str]:
    for link in own_links(settings):
        run("ip", "link", "del", link, check=False)
        yield f"link {link}"
