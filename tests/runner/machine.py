"""What the tests need of the machine: Debian packages, a Docker daemon, the local cloud's base images."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

from localcloud import testing

from .steps import ROOT

Say = Callable[[str], None]


class MachineError(RuntimeError):
    """The machine lacks something that the tests need; the message says what to do."""


def wanted_packages() -> list[str]:
    """Every name in a file tests/**/packages.txt, one a line; `#` begins a comment."""
    names: set[str] = set()
    for file in (ROOT / "tests").rglob("packages.txt"):
        names |= {line.split("#")[0].strip() for line in file.read_text().splitlines()}
    return sorted(names - {""})


def missing_packages() -> list[str]:
    return [name for name in wanted_packages() if not _is_installed(name)]


def prepare(say: Say) -> None:
    """Install what is missing, where this is Debian or Ubuntu and the user root; elsewhere say what is missing."""
    missing = missing_packages() if shutil.which("dpkg-query") else wanted_packages()
    if missing:
        if not shutil.which("apt-get"):
            raise MachineError(f"the tests need these programs (names of Debian packages): {', '.join(missing)}")
        command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
        if os.geteuid() != 0:
            raise MachineError(f"the tests need packages that are missing. Run: sudo {' '.join(command)}")
        say(f"installing Debian packages: {' '.join(missing)}")
        _apt(["apt-get", "update"])
        _apt(command)
    if os.geteuid() != 0:
        raise MachineError("the local cloud makes network namespaces, so the tests need root. Run: sudo make test")


def prepare_local_cloud(say: Say) -> None:
    """The local cloud's own packages, Docker daemon and images, so that no test has to build them."""
    try:
        testing.prepare(say)
    except RuntimeError as error:
        raise MachineError(str(error)) from error


def _is_installed(package: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${Status}", package]
    return subprocess.run(query, capture_output=True, text=True).stdout == "install ok installed"


def _apt(command: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise MachineError(f"{' '.join(command)} ended with status {done.returncode}:\n{tail}")
