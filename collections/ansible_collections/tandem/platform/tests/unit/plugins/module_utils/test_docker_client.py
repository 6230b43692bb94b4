"""What preflight and the build of the images say of each Docker client that a machine may have."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.modules import content_image, preflight

from localcloud.testing.docker_clients import BUILD, DO_NOT, OWN, Clients, put


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the machine these clients, and no others."""
    return lambda clients: monkeypatch.setenv("PATH", put(tmp_path, clients))


def preflight_says() -> list[str]:
    return [str(problem) for problem in preflight.machine_problems(docker=True)]


@pytest.mark.parametrize("clients", BUILD.values(), ids=BUILD)
def test_a_client_that_builds_needs_nothing(look: Any, clients: Clients) -> None:
    look(clients)
    assert preflight_says() == []


@pytest.mark.parametrize("clients", DO_NOT.values(), ids=DO_NOT)
def test_a_client_that_cannot_build_is_seen_before_anything_is_made(look: Any, clients: Clients) -> None:
    look(clients)
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
