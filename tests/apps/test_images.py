"""The images: small, without root, without traces of the build, on a read-only file system."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.apps import images
from tests.apps.processes import Postgres, free_port, get, wait_for

pytestmark = pytest.mark.cloud

MEGABYTE = 1_000_000


@pytest.fixture(scope="module", params=["frontend", "backend"])
def which(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def image(which: str) -> Iterator[str]:
    tag = images.build(which, f"apps-test-{os.getpid()}/{which}")
    yield tag
    images.docker("rmi", "--force", tag)


@pytest.fixture
def container(image: str) -> Iterator[str]:
    """The name of a container that the test may start; it is removed afterwards."""
    name = f"apps-test-{os.getpid()}"
    yield name
    images.remove(name)


def variables(which: str, port: int) -> dict[str, str]:
    needs = {"frontend": {"API": "http://127.0.0.1:1"}, "backend": {"DBCONNECTIONSTRING": "host=127.0.0.1 port=1"}}
    return {"NAME": f"{which}-1", "VERSION": "0.0.1", "PORT": str(port), **needs[which]}


def look(image: str, script: str) -> str:
    """What a shell script prints in the image."""
    return images.docker("run", "--rm", "--network", "none", "--user", "0", image, "sh", "-c", script)


def test_size(image: str):
    assert images.inspect(image)["Size"] <= 200 * MEGABYTE


def test_nothing_of_the_build_is_left(image: str):
    assert look(image, "find / -xdev -name ca.pem -o -xdev -path '*/site-packages/pip'") == ""
    assert look(image, "ls /var/lib/apt/lists") == ""
    history = images.docker("history", "--no-trunc", image)
    assert "BEGIN CERTIFICATE" not in history
    assert str(images.CERTIFICATES) not in history


def test_files_belong_to_root_and_are_readable_by_all(which: str, image: str):
    assert look(image, "find /app /opt/venv ! -user root -o ! -type l ! -perm -o=r") == ""
    assert look(image, "ls /app/*/app.py") == f"/app/{which}/app.py"


def test_runs_without_rights_becomes_healthy_and_ends_on_sigterm(which: str, image: str, container: str):
    port = free_port()
    images.run(image, container, variables(which, port))
    wait_for(lambda: _status(port, "/healthz") == 200, f"{which} to answer", 60)
    assert get(f"http://127.0.0.1:{port}/version").json == {"name": f"{which}-1", "version": "0.0.1"}
    assert images.docker("exec", container, "id", "-u") == "10001"
    assert images.docker("exec", container, "grep", "CapEff", "/proc/1/status").split() == ["CapEff:", "0" * 16]
    assert images.docker("exec", container, "sh", "-c", "touch /app/x 2>&1 || true").endswith("Read-only file system")
    wait_for(lambda: images.inspect(container)["State"]["Health"]["Status"] == "healthy", "a healthy container", 30)
    images.docker("stop", container)
    state = images.inspect(container)["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)


def test_the_health_check_sees_an_application_that_is_stuck(which: str, image: str, container: str):
    images.run(image, container, variables(which, free_port()), command=("sleep", "60"))
    done = subprocess.run(
        ["docker", "exec", container, "python", "-m", "common.healthcheck"], capture_output=True, timeout=30
    )
    assert done.returncode == 1


def test_a_configuration_error_is_one_line(image: str, which: str):
    done = subprocess.run(["docker", "run", "--rm", image], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("configuration error: NAME is not set")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("which", ["backend"], indirect=True)
def test_one_off_commands(image: str, postgres: Postgres):
    # Named, not given: the value does not appear on a command line.
    command = ["docker", "run", "--rm", "--network", "host", "--read-only", "--cap-drop", "ALL",
               "--env", "DBCONNECTIONSTRING", image, "python", "-m", "backend.admin"]  # fmt: skip
    environ = {**os.environ, "DBCONNECTIONSTRING": postgres.dsn()}
    for one_off, said in (("migrate", '"changed": true'), ("migrate", '"changed": false'), ("check", '"instances": 0')):
        done = subprocess.run([*command, one_off], capture_output=True, text=True, env=environ, timeout=60)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout


def _status(port: int, path: str) -> int | None:
    try:
        return get(f"http://127.0.0.1:{port}{path}").status
    except OSError:
        return None
