"""A variable that is missing, empty or malformed: one line that names it, at once, and no secret."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest

from tests.apps.processes import APPS, BIN, free_port

GOOD = {
    "frontend": {"NAME": "frontend-1", "VERSION": "0.0.1", "API": "http://localhost:5001"},
    "backend": {"NAME": "backend-1", "VERSION": "0.0.1", "DBCONNECTIONSTRING": "dbname=backend host=localhost"},
}
SERVERS = {"gunicorn": ["gunicorn"], "flask": ["flask", "run"], "debug": ["flask", "run"]}


def run(which: str, server: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    port = str(free_port())
    environ = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PORT": port,
        "FLASK_RUN_PORT": port,
        "FLASK_APP": "app.py",
        "APP": which,
    }
    if server == "debug":
        environ["FLASK_DEBUG"] = "1"
    return subprocess.run(
        SERVERS[server],
        executable=BIN / SERVERS[server][0],
        cwd=APPS if server == "gunicorn" else APPS / which,
        env={**environ, **variables},
        capture_output=True,
        text=True,
        timeout=20,
    )


def assert_refused(done: subprocess.CompletedProcess[str], name: str) -> str:
    assert done.returncode != 0
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith(f"configuration error: {name}")
    assert f"for example {name}=" in lines[0]
    return lines[0]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(("which", "name"), [(which, name) for which, names in GOOD.items() for name in names])
def test_missing(which: str, name: str, server: str):
    variables = {key: value for key, value in GOOD[which].items() if key != name}
    assert "is not set" in assert_refused(run(which, server, variables), name)


@pytest.mark.parametrize(("which", "name"), [(which, name) for which, names in GOOD.items() for name in names])
def test_empty(which: str, name: str):
    assert "is empty" in assert_refused(run(which, "gunicorn", {**GOOD[which], name: "  "}), name)


@pytest.mark.parametrize(
    "value",
    ["localhost:5001", "ftp://localhost", "http://", "http://:5001", "http://localhost:port", "http://localhost:0",
     "http://localhost:99999", "http://local host", "http://localhost/?a=b", "http://[::1"],
)  # fmt: skip
def test_malformed_api(value: str):
    assert value in assert_refused(run("frontend", "gunicorn", {**GOOD["frontend"], "API": value}), "API")


def test_a_password_in_the_api_is_not_shown():
    line = assert_refused(
        run("frontend", "gunicorn", {**GOOD["frontend"], "API": "http://someone:geheim@localhost"}), "API"
    )
    assert "geheim" not in line


@pytest.mark.parametrize("name", ["DBCONNECTIONSTRING", "DBCONNETIONSTRING"])
@pytest.mark.parametrize(
    "value",
    ["geheim", "password=geheim host", "postgresql://a:geheim@localhost:port/x", "postgresql://a:geheim@[::1/x",
     "host=localhost password=geheim port=0", "host=localhost password=geheim sslmode=maybe",
     "host=localhost password=geheim connect_timeout=soon", "host=localhost nonsense=1 password=geheim"],
)  # fmt: skip
def test_malformed_connection_string_is_not_shown(name: str, value: str):
    variables = {**GOOD["backend"], name: value}
    if name != "DBCONNECTIONSTRING":
        del variables["DBCONNECTIONSTRING"]
    done = run("backend", "gunicorn", variables)
    assert "geheim" not in done.stdout + assert_refused(done, name)


@pytest.mark.parametrize(("name", "value"), [("PORT", "0"), ("PORT", "http"), ("THREADS", "-1"), ("WORKERS", "")])
def test_malformed_number(name: str, value: str):
    assert repr(value) in assert_refused(run("frontend", "gunicorn", {**GOOD["frontend"], name: value}), name)


@pytest.mark.parametrize("which", GOOD)
def test_port_taken(which: str):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = assert_refused(run(which, "gunicorn", {**GOOD[which], "PORT": str(port)}), "PORT")
        assert f"PORT={port}: Address already in use" in line
        done = run(which, "flask", {**GOOD[which], "FLASK_RUN_PORT": str(port)})
        assert done.returncode != 0
        assert f"Port {port} is in use" in done.stderr
        assert "Traceback" not in done.stderr
