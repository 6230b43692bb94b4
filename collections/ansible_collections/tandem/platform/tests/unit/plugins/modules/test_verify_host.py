"""The module verify_host: what it reads from Docker, ss and the kernel, and that it finds a secret where one shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.modules import verify_host

SECRET = "s3cr3t/with+signs"


def details(pid: int, **changes: Any) -> dict[str, Any]:
    """A container as `docker inspect` tells it."""
    config = {"Env": [f"DBCONNECTIONSTRING=postgresql://u:{SECRET}@h/d", "NAME=backend-1"], "Image": "tandem/backend:1"}
    host = {"Privileged": False, "NetworkMode": "bridge", "PidMode": "", "Memory": 0}
    ports = {
        "5001/tcp": [{"HostIp": "0.0.0.0", "HostPort": "5001"}, {"HostIp": "::", "HostPort": "5001"}],
        "9000/tcp": None,
    }
    return {
        "Id": "1",
        "Name": "/backend",
        "Image": "sha256:1",
        "Config": {**config, **changes},
        "HostConfig": host,
        "Mounts": [],
        "NetworkSettings": {"Ports": ports},
        "State": {"Running": True, "Status": "running", "Pid": pid},
    }


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("postgresql://user:p%2Fw%2Bd@host:5432/db?sslmode=verify-full", "p/w+d"),
        ("dbname=backend user=sammy password=sammypw host=localhost", "sammypw"),
        ("host=h password='with space' user=u", "with space"),
        ("postgresql://user@host/db", ""),
        ("dbname=backend", ""),
    ],
)
def test_the_password_in_a_connection_string(text: str, password: str) -> None:
    assert verify_host.password_of(text) == password


def test_a_container_is_described_by_the_kernel() -> None:
    """This very process stands for the container's."""
    found = verify_host.describe(details(os.getpid()))
    assert found["uid"] == os.geteuid()
    assert found["ports"] == ["0.0.0.0:5001->5001/tcp"]
    assert found["variables"] == {"NAME": "backend-1"}
    assert SECRET not in str(found)


def test_capabilities_are_counted() -> None:
    assert verify_host.capability_bits("0000000000000000") == []
    assert verify_host.capability_bits("0000000000002401") == [0, 10, 13]


def test_listening_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    output = (
        'tcp   LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))\n'
        "udp   UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*\n"
        'tcp   LISTEN 0 4096 [::]:5000 [::]:* users:(("docker-proxy",pid=9,fd=4))\n'
    )
    monkeypatch.setattr(verify_host, "run", lambda *command: output)
    assert verify_host.listening() == [
        {"protocol": "tcp", "address": "0.0.0.0", "port": 22, "process": "sshd"},
        {"protocol": "tcp", "address": "::", "port": 5000, "process": "docker-proxy"},
        {"protocol": "udp", "address": "127.0.0.53", "port": 53, "process": ""},
    ]


def exposed(monkeypatch: pytest.MonkeyPatch, logs: str, folders: list[Path], **changes: Any) -> list[str]:
    """Where a secret shows that a process holds in its environment."""
    monkeypatch.setattr(verify_host, "run", lambda *command: logs if command[1] == "logs" else "{}")
    environment = {**os.environ, "DBCONNECTIONSTRING": f"host=h password={SECRET}"}
    # A shell that has spoken has its environment; a process that was only just started may not have it yet.
    with subprocess.Popen(["sh", "-c", "echo; read _"], env=environment, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            content = [details(process.pid, **changes)]
            return verify_host.exposed_secrets(content, ["DBCONNECTIONSTRING"], [str(f) for f in folders], 10)
        finally:
            process.kill()


def test_a_secret_that_is_kept_shows_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = tmp_path / "env"
    kept.write_text(SECRET)
    kept.chmod(0o600)
    assert exposed(monkeypatch, "nothing", [tmp_path]) == []


def test_a_secret_in_a_log_or_a_file_or_a_label(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loose = tmp_path / "env"
    loose.write_text(f"password={SECRET}")
    loose.chmod(0o644)
    found = exposed(monkeypatch, f"connecting with {SECRET}", [tmp_path], Labels={"dsn": SECRET})
    assert found == [
        "docker inspect backend: DBCONNECTIONSTRING",
        "docker logs backend: DBCONNECTIONSTRING",
        f"the file {loose}: DBCONNECTIONSTRING",
    ]


def test_a_secret_among_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import sys; print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, SECRET]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        found = exposed(monkeypatch, "", [])
        process.communicate()
    assert found == [f"the arguments of process {sys.executable}: DBCONNECTIONSTRING"]
