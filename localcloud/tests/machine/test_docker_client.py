"""What `up` installs for each Docker client that a machine may have."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from localcloud.machine import prerequisites
from localcloud.machine.prerequisites import MachineError
from localcloud.testing.docker_clients import BUILD, DO_NOT, Clients, client, program, put


@pytest.fixture
def set_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the machine only these clients."""
    monkeypatch.setattr(prerequisites, "_finds", lambda program: program != "docker" or bool(shutil.which("docker")))
    return lambda clients: monkeypatch.setenv("PATH", put(tmp_path, clients))


@pytest.mark.parametrize("clients", BUILD.values(), ids=BUILD)
def test_a_client_that_builds_needs_nothing(set_clients: Any, clients: Clients) -> None:
    set_clients(clients)
    assert prerequisites.missing_packages() == []


@pytest.mark.parametrize("clients", DO_NOT.values(), ids=DO_NOT)
def test_a_client_that_cannot_build_gets_the_plugin(set_clients: Any, clients: Clients) -> None:
    set_clients(clients)
    assert prerequisites.missing_packages() == ["docker-buildx"]


# Packages that apt offers, client versions before and after the installation, packages that `up` installs.
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
    prerequisites._install(prerequisites.missing_packages(), lambda _: None)
    assert (tmp_path / "installed").read_text().split() == installed
    assert prerequisites.missing_packages() == []


def test_where_no_package_source_has_the_plugin_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, monkeypatch, "docker.io", None)
    program(tmp_path / "docker", dpkg_client(tmp_path, "28.2.2"))
    with pytest.raises(MachineError, match=r"docker-buildx-plugin or docker-buildx.*https://docs\.docker\.com/\S+$"):
        prerequisites._install(prerequisites.missing_packages(), lambda _: None)
    assert not (tmp_path / "installed").exists()


def distribution(folder: Path, monkeypatch: pytest.MonkeyPatch, offered: str, brought: str | None) -> None:
    """Fake an apt that offers these packages, where docker.io (or docker-cli) brings a client of this version."""
    monkeypatch.setenv("PATH", str(folder))
    docker = {"docker": "docker", "dockerd": "docker"}
    monkeypatch.setattr(prerequisites, "_finds", lambda name: name not in docker or (folder / docker[name]).exists())
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
    """A client whose plugin exists once it is installed."""
    return client(version, f"/bin/grep -q docker-buildx {folder}/installed")
