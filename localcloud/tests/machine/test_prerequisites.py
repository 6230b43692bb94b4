"""Commands and messages of the preparation, and a Docker daemon that is really started and stopped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from localcloud.machine import prerequisites
from localcloud.machine.prerequisites import MachineError
from localcloud.settings import Settings


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any programs: a folder as its whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(prerequisites, "_finds", lambda program: (tmp_path / program).exists())
    monkeypatch.setattr(prerequisites, "KEYRING_FILES", [tmp_path / "keyring"])
    return tmp_path


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_where_nothing_can_be_installed_one_message_names_it_all(bare: Path) -> None:
    with pytest.raises(MachineError) as raised:
        prerequisites.prepare(Settings(), print)
    assert all(name in str(raised.value) for name in ("docker.io", "dnsmasq-base", "mmdebstrap", "nftables", "install"))
    assert "\n" not in str(raised.value)


def test_on_debian_what_is_missing_is_installed_and_said(bare: Path) -> None:
    installs = (
        f'[ "$4" = install ] && for name in {" ".join(prerequisites.PROGRAMS)} keyring; do : > {bare}/$name; done; '
        f"printf '#!/bin/sh\n[ $1 = --version ] && echo Docker version 20.10.24' > {bare}/docker; /bin/chmod +x {bare}/docker"
    )
    program(bare / "apt-get", installs)
    program(bare / "apt-cache", "true")
    messages: list[str] = []
    prerequisites._install(prerequisites.missing_packages(), messages.append)
    assert messages[0] == "updating the package lists"
    assert messages[1].startswith("installing debian-archive-keyring, dnsmasq-base, docker.io")
    assert "docker-cli" not in messages[1], "this Debian has it in docker.io"
    assert "buildx" not in messages[1], "this Debian's client has BuildKit built in"
    assert prerequisites.missing_packages() == []


def test_an_installation_that_fails_says_what_apt_said(bare: Path) -> None:
    program(bare / "apt-get", "echo 'E: Unable to fetch some archives' >&2; exit 100")
    with pytest.raises(MachineError, match="Unable to fetch some archives"):
        prerequisites._install(prerequisites.missing_packages(), print)


def test_this_machine_lacks_nothing() -> None:
    assert prerequisites.missing_packages() == []
    prerequisites._check_kernel()


def test_a_kernel_that_lacks_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "KERNEL_TRIAL", "echo 'Unknown device type' >&2; exit 2")
    with pytest.raises(MachineError, match=r"modprobe br_netfilter .*(?s:.*)Unknown device type"):
        prerequisites._check_kernel()


@pytest.mark.parametrize(("forwarding", "watchers", "after", "lines"), [
    (0, 128, (1, 1024), 2), (1, 128, (1, 1024), 1), (1, 1024, (1, 1024), 0), (2, 8192, (2, 8192), 0),
])  # fmt: skip
def test_the_kernels_settings_are_raised_and_never_lowered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forwarding: int, watchers: int, after: tuple[int, int], lines: int
) -> None:
    files = [tmp_path / "net/ipv4/ip_forward", tmp_path / "fs/inotify/max_user_instances"]
    for file, value in zip(files, (forwarding, watchers), strict=True):
        file.parent.mkdir(parents=True)
        file.write_text(f"{value}\n")
    monkeypatch.setattr(prerequisites, "PROC_SYS", tmp_path)
    messages: list[str] = []
    prerequisites.set_kernel(messages.append)
    assert tuple(int(file.read_text()) for file in files) == after
    assert len(messages) == lines


# Runs in its own namespaces, where no daemon answers, so that the machine's daemon is not touched.
ENGINE = """
import json, subprocess
from pathlib import Path
from typing import Any
from localcloud.machine import engine
messages = []
engine.ensure(messages.append)
engine.ensure(messages.append)
pid = json.loads(engine.STATE.read_text())["pid"]
bridge = engine._has_bridge()
engine.release(messages.append)
engine.release(messages.append)
print(json.dumps({"messages": messages, "pid": pid, "bridge": bridge, "alive": engine._is_dockerd(pid),
                  "tables": engine._tables(), "bridge_after": engine._has_bridge(),
                  "left": [p.name for p in engine.STATE_ROOT.iterdir()]}))
"""

# As after a restart of the machine: the cloud's files and volume exist, but its daemon and Docker do not run.
RESTARTED = """
import json, os, signal, subprocess, time
from localcloud import clouds, settings
from localcloud.machine import engine
engine.ensure(print)
label = "localcloud=restarted"
subprocess.run(["docker", "volume", "create", "--label", label, "restarted-disk"], check=True, stdout=subprocess.DEVNULL)
pid = json.loads(engine.STATE.read_text())["pid"]
os.kill(pid, signal.SIGTERM)
while engine._is_dockerd(pid):
    time.sleep(0.1)
clouds._register(settings.Settings(name="restarted"))
messages = []
changed = clouds.down("restarted", messages.append)
engine.ensure(messages.append)
volumes = subprocess.run(["docker", "volume", "ls", "-q"], capture_output=True, text=True, check=True).stdout.split()
engine.release(print)
print(json.dumps({"changed": changed, "messages": messages, "volumes": volumes}))
"""
needs_docker = pytest.mark.skipif(not shutil.which("dockerd"), reason="needs Docker Engine")


def on_a_machine_of_its_own(program: str) -> Any:
    """The program's last line of output, parsed as JSON."""
    mounts = "; ".join(
        f"mkdir -p {path}; mount -t tmpfs tmpfs {path}" for path in ("/run", "/var/lib/docker", "/var/lib/localcloud")
    )
    script = f'{mounts}; exec {sys.executable} -c "$PROGRAM"'
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script],
        env={**os.environ, "PROGRAM": program, "DOCKER_HOST": ""}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.cloud
@needs_docker
def test_docker_is_started_where_none_answers_and_ended_without_a_trace() -> None:
    seen = on_a_machine_of_its_own(ENGINE)
    assert seen["bridge"]
    assert seen["messages"] == [
        "starting Docker (dockerd, in the background)",
        f"stopping Docker (process {seen['pid']}), which `up` had started",
    ]
    assert not seen["alive"]
    assert not seen["bridge_after"]
    assert seen["tables"] == []
    assert seen["left"] == []


@pytest.mark.cloud
@needs_docker
def test_down_starts_docker_to_remove_what_a_cloud_had_there_before_the_machine_was_restarted() -> None:
    seen = on_a_machine_of_its_own(RESTARTED)
    assert seen["changed"]
    assert seen["messages"][0].startswith("starting Docker")
    assert seen["messages"][-2].startswith("stopping Docker")
    assert seen["volumes"] == []
