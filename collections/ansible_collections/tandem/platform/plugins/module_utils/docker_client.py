"""The Docker clients of the operator's machine, and which of them can build the images."""

from __future__ import annotations

import os
import platform
import shutil
from contextlib import suppress

from .programs import run

# By the ID, or one of ID_LIKE, of /etc/os-release.
INSTALL = {
    "debian": "apt install docker-buildx",
    "fedora": "dnf install docker-buildx",
    "arch": "pacman -S docker-buildx",
    "suse": "zypper install docker-buildx",
    "alpine": "apk add docker-cli-buildx",
    "Darwin": "start Docker Desktop, or brew install docker-buildx",
}
DOCKERS_OWN = "https://docs.docker.com/go/buildx"


def clients() -> list[str]:
    """Every `docker` on PATH, in its order."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = [shutil.which("docker", path=folder) for folder in folders]
    return list(dict.fromkeys(path for path in found if path))


def has_buildkit(docker: str) -> bool:
    """Clients from 18.09 to 22 have BuildKit built in; later ones need the buildx plugin."""
    if run([docker, "buildx", "version"]).returncode == 0:
        return True
    answer = run([docker, "--version"]).stdout
    major = answer.removeprefix("Docker version ").partition(".")[0]
    return major.isdigit() and 18 < int(major) < 23


def how_to_install() -> str:
    """How the buildx plugin is installed on this machine."""
    names = [platform.system()]
    with suppress(OSError):
        system = platform.freedesktop_os_release()
        names += [system["ID"], *system.get("ID_LIKE", "").split()]
    command = next((INSTALL[name] for name in names if name in INSTALL), "install the buildx plugin")
    return f"{command} (with Docker's own packages docker-buildx-plugin; elsewhere see {DOCKERS_OWN})"
