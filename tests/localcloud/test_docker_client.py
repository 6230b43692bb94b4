"""Docker clients as machines have them: what `up` installs, and what preflight and the build of the images say of each."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.modules import content_image, preflight

from localcloud import machine
from localcloud.machine import MachineError

# Clients in the order of PATH: what follows "Docker version" in `docker --version`, and whether `docker buildx version` works.
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


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the machine these clients, and no others."""

    def give(clients: Clients) -> None:
        folders = []
        for number, (version, plugin) in enumerate(clients):
            folder = tmp_path / str(number)
            folder.mkdir()
            program(folder / "docker", client(version, f"exit {int(not plugin)}"))
            folders.append(str(folder))
        program(tmp_path / "ssh", "")
        monkeypatch.setenv("PATH", ":".join([*folders, str(tmp_path)]))

    monkeypatch.setattr(machine, "_finds", lambda program: program != "docker" or bool(shutil.which("docker")))
    return give


def client(version: str, buildx: str) -> str:
    """A `docker` of this version. buildx: the shell's answer to `docker buildx`."""
    return f"""case $1 in
--version) echo "Docker version {version}" ;;
version) echo linux/amd64 ;;
buildx) {buildx} ;;
esac"""


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def preflight_says() -> list[str]:
    return [str(problem) for problem in preflight.machine_problems(docker=True)]


@pytest.mark.parametrize("clients", BUILD.values(), ids=BUILD)
def test_a_client_that_builds_needs_nothing(look: Any, clients: Clients) -> None:
    look(clients)
    assert machine.missing_packages() == []
    assert preflight_says() == []


@pytest.mark.parametrize("clients", DO_NOT.values(), ids=DO_NOT)
def test_a_client_that_cannot_build_is_seen_before_anything_is_made(look: Any, clients: Clients) -> None:
    look(clients)
    assert machine.missing_packages() == ["docker-buildx"]
    [problem] = preflight_says()
    assert "has no BuildKit" in problem
    assert "docker-buildx" in problem.partition("fix:")[2]
    assert not any(content_image.has_buildkit(one) for one in content_image.clients())


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ({"ID": "debian"}, "apt install docker-buildx"),
        ({"ID": "ubuntu", "ID_LIKE": "debian"}, "apt install docker-buildx"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "apt install docker-buildx"),
        ({"ID": "fedora"}, "dnf install docker-buildx"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "dnf install docker-buildx"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "zypper install docker-buildx"),
        ({"ID": "arch"}, "pacman -S docker-buildx"),
        ({"ID": "alpine"}, "apk add docker-cli-buildx"),
        ({"ID": "nixos"}, "install the buildx plugin"),
        (None, "brew install docker-buildx"),
    ],
)
def test_the_fix_is_the_platforms_own(
    monkeypatch: pytest.MonkeyPatch, look: Any, release: dict[str, str] | None, command: str
) -> None:
    def read() -> dict[str, str]:
        if release is None:
            raise OSError
        return release

    monkeypatch.setattr(platform, "system", lambda: "Linux" if release else "Darwin")
    monkeypatch.setattr(platform, "freedesktop_os_release", read)
    look([(OWN, False)])
    assert command in preflight_says()[0]


# What apt offers, what it had installed before, and what `up` installs then.
DISTRIBUTIONS = [
    pytest.param("docker-cli docker.io docker-buildx", "26.1.5+dfsg1", None, ["docker-buildx"], id="Debian 13"),
    pytest.param(
        "docker-cli docker.io docker-buildx", None, "26.1.5+dfsg1", ["docker-buildx", "docker-cli", "docker.io"],
        id="Debian 13, no Docker yet",
    ),
    pytest.param("docker.io", None, "20.10.24+dfsg1", ["docker.io"], id="Debian 12, no Docker yet"),
    pytest.param(
        "docker.io docker-buildx", None, "28.2.2", ["docker-buildx", "docker.io"], id="Ubuntu 24.04, no Docker yet"
    ),
    pytest.param(
        "docker.io docker-buildx docker-buildx-plugin", "28.2.2", None, ["docker-buildx-plugin"], id="Docker's own"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("offered", "before", "brought", "installed"), DISTRIBUTIONS)
def test_up_installs_what_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offered: str, before: str | None, brought: str | None,
    installed: list[str],
) -> None:  # fmt: skip
    distribution(tmp_path, monkeypatch, offered, brought)
    if before:
        program(tmp_path / "docker", dpkg_client(tmp_path, before))
    machine._install(machine.missing_packages(), lambda _: None)
    assert (tmp_path / "installed").read_text().split() == installed
    assert machine.missing_packages() == []


def test_where_no_package_source_has_the_plugin_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, monkeypatch, "docker.io", None)
    program(tmp_path / "docker", dpkg_client(tmp_path, "28.2.2"))
    with pytest.raises(
        MachineError, match=r"docker-buildx-plugin or docker-buildx.*https://docs\.docker\.com/\S+ says$"
    ):
        machine._install(machine.missing_packages(), lambda _: None)
    assert not (tmp_path / "installed").exists()


def distribution(folder: Path, monkeypatch: pytest.MonkeyPatch, offered: str, brought: str | None) -> None:
    """apt that offers these packages; docker.io (or docker-cli, where that is apart) brings a client of this version."""
    monkeypatch.setenv("PATH", str(folder))
    docker = {"docker": "docker", "dockerd": "docker"}
    monkeypatch.setattr(machine, "_finds", lambda name: name not in docker or (folder / docker[name]).exists())
    program(folder / "apt-cache", f'case " {offered} " in *" $2 "*) echo Package: $2 ;; *) exit 100 ;; esac')
    program(folder / "new", dpkg_client(folder, brought or ""))
    program(
        folder / "apt-get",
        f"""[ "$4" = install ] || exit 0
shift 5
echo "$@" > {folder}/installed
case " $* " in *" docker.io "*) /bin/cp {folder}/new {folder}/docker ;; esac""",
    )


def dpkg_client(folder: Path, version: str) -> str:
    """One whose plugin is there once it has been installed."""
    return client(version, f"/bin/grep -q docker-buildx {folder}/installed")
