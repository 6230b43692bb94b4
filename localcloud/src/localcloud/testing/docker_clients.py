"""Docker clients as found on machines: some can build images with BuildKit, some cannot."""

from __future__ import annotations

from pathlib import Path

# Clients in PATH order: the version in `docker --version`, and whether `docker buildx version` works.
Clients = list[tuple[str, bool]]
OLD, DEBIAN_13, OWN = "20.10.24+dfsg1, build 297e128", "26.1.5+dfsg1, build a72d7cd", "28.2.2, build e6534b4"
BUILD = {
    "Debian 12": [(OLD, False)],
    "Debian 12, plugin": [(OLD, True)],
    "19.03": [("19.03.15, build 99e3ed8919", False)],
    "22": [("22.06.0-beta.0, build 3e9117b", False)],
    "Debian 13, plugin": [(DEBIAN_13, True)],
    "Docker's own, plugin": [(OWN, True)],
    "Docker's own before Debian 12's": [(OWN, False), (OLD, False)],
    "only the second has the plugin": [(OWN, False), (DEBIAN_13, True)],
}
DO_NOT = {
    "Debian 13": [(DEBIAN_13, False)],
    "Ubuntu 24.04": [("28.2.2, build 28.2.2-0ubuntu1~24.04.1", False)],
    "23, the first without": [("23.0.0, build e92dd87", False)],
    "three digits": [("100.1.0, build 0000000", False)],
    "17": [("17.05.0-ce, build 89658be", False)],
    "a development version": [("dev, build HEAD", False)],
    "no version": [("", False)],
    "two without": [(OWN, False), (DEBIAN_13, False)],
}


def put(folder: Path, clients: Clients) -> str:
    """Create the clients in the folder. Returns a PATH with only them and ssh."""
    folders = []
    for number, (version, plugin) in enumerate(clients):
        place = folder / str(number)
        place.mkdir()
        program(place / "docker", client(version, f"exit {int(not plugin)}"))
        folders.append(str(place))
    program(folder / "ssh", "")
    return ":".join([*folders, str(folder)])


def client(version: str, buildx: str) -> str:
    """A `docker` of this version. buildx: shell code for `docker buildx`."""
    return f"""case $1 in
--version) echo "Docker version {version}" ;;
version) echo linux/amd64 ;;
buildx) {buildx} ;;
esac"""


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
