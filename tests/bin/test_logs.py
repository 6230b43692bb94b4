"""`bin/logs` with containers of this machine, reached by an `ssh` that stays here."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.cloud import ROOT
from tests.support.docker import docker, import_image, needs_docker

pytestmark = needs_docker
PATIENCE = 30
# `ssh -F CONFIG HOST COMMAND`, in a process group of its own, as on a host. Host bare-1 has no Docker.
SSH = """
case $3 in
  lost-1) echo "no way to $3"; exit 255 ;;
  bare-1) docker() { echo "docker: not found" >&2; return 127; }; export -f docker ;;
esac
exec setsid --wait bash -c "$4"
"""
PROGRAMS = {"ssh": SSH, "sudo": 'exec "$@"'}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    found = import_image(tmp_path_factory.mktemp("image") / "image.tar", ["sh"], "sh", "sleep")
    yield found
    docker("image", "rm", "--force", found)


class Containers:
    """Containers that say one word, over and over."""

    def __init__(self, image: str) -> None:
        self.image, self.made = image, set[str]()

    def start(self, name: str, word: str) -> None:
        name = f"logs-{os.getpid()}-{name}"
        self.made.add(name)
        says = f"while :; do echo {word}; sleep 0.1; done"
        docker("run", "--detach", "--init", "--label", "release=1", "--name", name, self.image, "sh", "-c", says)

    def remove(self, name: str) -> None:
        docker("rm", "--force", "--volumes", f"logs-{os.getpid()}-{name}")

    def remove_all(self) -> None:
        docker("rm", "--force", "--volumes", *self.made)


@pytest.fixture
def containers(image: str) -> Iterator[Containers]:
    made = Containers(image)
    yield made
    made.remove_all()


class Logs:
    """A running `bin/logs`, in a folder that knows some hosts."""

    def __init__(self, folder: Path, hosts: tuple[str, ...], *options: str) -> None:
        (folder / "bin").mkdir()
        shutil.copy(ROOT / "bin/logs", folder / "bin/logs")
        for name, code in PROGRAMS.items():
            (folder / name).write_text(f"#!/bin/bash\n{code}\n")
            (folder / name).chmod(0o755)
        config = folder / ".state/tandem-local/ssh/config"
        config.parent.mkdir(parents=True)
        config.write_text("".join(f"Host {host} 10.0.0.1\n" for host in hosts))
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "LOCALCLOUD_NAME": ""}
        self.process = subprocess.Popen(
            [sys.executable, folder / "bin/logs", *options], env=environment, stdout=subprocess.PIPE, text=True
        )
        self.lines = queue.Queue[str]()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.put(line.rstrip("\n"))

    def wait_for(self, line: str) -> None:
        seen = list[str]()
        try:
            while not seen or seen[-1] != line:
                seen.append(self.lines.get(timeout=PATIENCE))
        except queue.Empty:
            pytest.fail(f"{line!r} did not come; {len(seen)} lines, the last: {seen[-5:]}")

    def rest(self) -> list[str]:
        """What it says until it ends."""
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return [self.lines.get() for _ in range(self.lines.qsize())]


def processes_with(folder: Path) -> list[str]:
    """Commands whose environment names a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def test_all_containers_of_a_host_and_no_more(tmp_path: Path, containers: Containers) -> None:
    containers.start("one", "first")
    containers.start("two", "second")
    logs = Logs(tmp_path, ("backend-1", "frontend-1"), "backend", "--no-follow", "--lines", "3")
    lines = logs.rest()
    assert {"backend-1 | first", "backend-1 | second"} <= set(lines)
    assert lines.count("backend-1 | first") <= 3
    assert not any(line.startswith("frontend") for line in lines)
    assert logs.process.returncode == 0


def test_following_goes_on_with_the_container_that_takes_the_place(tmp_path: Path, containers: Containers) -> None:
    containers.start("one", "first")
    logs = Logs(tmp_path, ("backend-1",), "--lines", "1")
    try:
        logs.wait_for("backend-1 | first")
        containers.remove("one")
        containers.start("one", "second")
        logs.wait_for("backend-1 | second")
        containers.start("beside", "third")
        logs.wait_for("backend-1 | third")
    finally:
        logs.process.kill()
        logs.process.wait()
    deadline = time.monotonic() + PATIENCE
    while left := processes_with(tmp_path):
        assert time.monotonic() < deadline, f"processes go on on the host: {left}"
        time.sleep(0.1)


@pytest.mark.parametrize("options", [(), ("--no-follow",)])
@pytest.mark.parametrize(("host", "said"), [("lost-1", "no way to lost-1"), ("bare-1", "docker: not found")])
def test_a_host_that_has_nothing_to_tell(tmp_path: Path, host: str, said: str, options: tuple[str, ...]) -> None:
    logs = Logs(tmp_path, (host,), *options)
    assert logs.rest() == [f"{host} | {said}"]
    assert logs.process.returncode == 1
