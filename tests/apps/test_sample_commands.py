"""The challenge's sample commands, as typed, in a network of their own where ports 5000, 5001 and 5432 are free."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.processes import APPS, Postgres, wait_for

COMMANDS = {
    "frontend": """cd frontend
source venv/bin/activate
FLASK_APP=app.py FLASK_DEBUG=1 VERSION=0.0.1 NAME=frontend API=http://localhost:5001 flask run
""",
    "backend": """cd backend
source venv/bin/activate
FLASK_APP=app.py FLASK_DEBUG=1 VERSION=0.0.1 NAME=backend DBCONNETIONSTRING='dbname=backend user=sammy password=sammypw host=localhost port=5432' flask run --port=5001
""",  # noqa: E501
}


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A copy of the applications, each with its `venv` made as the README says."""
    folder = Path(tempfile.mkdtemp(prefix="apps-checkout-"))
    shutil.copytree(APPS, folder, ignore=shutil.ignore_patterns("venv", "__pycache__"), dirs_exist_ok=True)
    for which in COMMANDS:
        subprocess.run([sys.executable, "-m", "venv", "venv"], cwd=folder / which, check=True)
        subprocess.run(
            ["venv/bin/pip", "install", "-q", "-r", "requirements.txt"], cwd=folder / which, check=True, timeout=300
        )
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def network() -> Iterator[str]:
    """The name of a network namespace with nothing but a loopback."""
    if os.geteuid() != 0:
        pytest.skip("only root may make a network namespace")
    name = f"apps-test-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
    yield name
    subprocess.run(["ip", "netns", "delete", name], check=True)


def test_sample_commands_as_typed(checkout: Path, network: str, tmp_path: Path):
    inside = ("ip", "netns", "exec", network)
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("FLASK", "PG", "VIRTUAL"))}
    folder = Path(tempfile.mkdtemp(prefix="apps-postgres-"))
    server = Postgres(folder, port=5432, wrap=inside)
    shells: list[subprocess.Popen] = []
    try:
        server.execute("create role sammy login password 'sammypw'")
        server.execute("alter database backend owner to sammy")
        for which, command in COMMANDS.items():
            with (tmp_path / which).open("w") as out:
                shells.append(
                    subprocess.Popen(
                        [*inside, "bash", "-c", command],
                        cwd=checkout, env=environ, stdout=out, stderr=out, start_new_session=True,
                    )
                )  # fmt: skip

        def ask(url: str) -> dict | None:
            done = subprocess.run([*inside, "curl", "-sf", "-m", "10", url], capture_output=True, text=True)
            return json.loads(done.stdout) if done.returncode == 0 else None

        both = [(tmp_path / which).read_text for which in COMMANDS]
        assert wait_for(lambda: ask("http://localhost:5001/readyz"), "the backend", 30), both
        assert wait_for(lambda: ask("http://localhost:5000/version"), "the frontend", 30) == {
            "name": "frontend",
            "version": "0.0.1",
        }
        assert ask("http://localhost:5000/passthrough") == {"name": "backend", "version": "0.0.1"}
        assert [entry["name"] for entry in ask("http://localhost:5001/instances")["instances"]] == ["backend"]  # type: ignore[index]
        said = (tmp_path / "backend").read_text()
        assert said.count("DBCONNETIONSTRING is read as DBCONNECTIONSTRING") == 1, said
        assert "sammypw" not in said
        assert "Traceback" not in said + (tmp_path / "frontend").read_text()
    finally:
        for shell in shells:
            os.killpg(shell.pid, signal.SIGTERM)
            shell.wait(timeout=15)
        server.remove()
