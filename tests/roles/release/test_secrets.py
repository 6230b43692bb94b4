"""Passwords in a container's environment stay out of the output, however much of it is asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.testing import free_port
from tests.support.docker import docker, import_image, needs_docker

from .rehearsal import Played, Rehearsal

SECRET = "not-to-be-told"
pytestmark = needs_docker


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image with nothing but `sleep`."""
    archive = tmp_path_factory.mktemp("image") / "image.tar"
    found = import_image(archive, ["sleep", "300"], "sleep")
    yield found
    docker("image", "rm", "--force", found)


@pytest.fixture
def name() -> Iterator[str]:
    """Of the host and its container, which is removed in the end."""
    name = f"backend-secrets-{os.getpid()}"
    yield name
    docker("rm", "--force", "--volumes", name)


def play(folder: Path, name: str, image: str, *files: str, **more: object) -> Played:
    folder.mkdir(exist_ok=True)
    (folder / "env").write_text(f"DBCONNECTIONSTRING=postgresql://application:{SECRET}@database\n")
    spec = {
        "name": name, "release": 1, "version": "1", "config": "abc", "image_id": image, "port": 5001,
        "memory": "", "ca_file": "", "env_file": str(folder / "env"),
    }  # fmt: skip
    variables = {
        "release_tier": name, "project": "tandem", "release_port": 5001, "release_ready_timeout": 0, "health_path": "/readyz",
        "release_plan": {"action": "deploy"}, "release__spec": spec, "release__host_port": free_port(), **more,
    }  # fmt: skip
    return Rehearsal(folder, {}, {name: {}}, variables).play(("backend", list(files)), options=("-vvv", "--diff"))


def test_a_container_that_is_started_and_looked_at(tmp_path: Path, name: str, image: str) -> None:
    played = play(tmp_path, name, image, "look", "start", release__container=name)
    assert SECRET in docker("inspect", name)
    assert "running" in played.stdout, played.stdout
    again = play(tmp_path / "again", name, image, "look")
    assert again.returncode == 0, again.stdout
    assert SECRET not in played.stdout + played.stderr + again.stdout + again.stderr


def test_what_went_wrong_is_told(tmp_path: Path, name: str) -> None:
    played = play(tmp_path, name, "sha256:" + "0" * 64, "start", release__container=name)
    assert played.returncode != 0
    assert "0" * 64 in re.sub(r".*censored.*", "", played.stdout), played.stdout
    assert SECRET not in played.stdout + played.stderr


def test_the_environment_that_a_plan_is_made_of(tmp_path: Path) -> None:
    variables = {
        "project": "tandem", "app_version": "1", "release_port": 5001, "release_environment": {"DBCONNECTIONSTRING": SECRET},
        "images_names": {"backend": "backend:1"}, "name_prefix": "tandem", "parameter_path": "/test",
        "release_state": {"targets": {}, "releases": []},
    }  # fmt: skip
    seen = {
        "running": {"up": True, "config": "", "release": 1, "version": "1"},
        "second": False,
        "kept": [],
        "images": [],
    }
    rehearsal = Rehearsal(tmp_path, {}, {"backend-1": {"release_seen": seen}}, variables)
    played = rehearsal.play(
        ("backend", ["compare"]), ("localhost", ["plan"]), options=("-vvv", "--diff"),
        shows="{{ hostvars.localhost.release_plan.changes | default([]) | join }}",
    )  # fmt: skip
    assert "SHOWN: backend-1" in played.stdout, played.stdout
    assert SECRET not in played.stdout + played.stderr
