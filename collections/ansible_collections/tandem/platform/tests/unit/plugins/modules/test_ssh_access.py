"""What role access writes for SSH: whole keys of its own hosts, below any path, and nothing that a stranger wrote."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from ansible_collections.tandem.platform.plugins.modules import secret_parameters, ssh_access

from localcloud.testing import Endpoint
from tests.support.hostile import texts

ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
ECDSA = (
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA"
    "+eFivOM1drMV7Oy7ZAaDe/UfU="
)
CONSOLE = f"""[    2.1] cloud-init: boot
-----BEGIN SSH HOST KEY FINGERPRINTS-----\r
256 SHA256:abc root@host (ED25519)\r
-----END SSH HOST KEY FINGERPRINTS-----\r
-----BEGIN SSH HOST KEY KEYS-----\r
ecdsa-sha2-nistp256 {ECDSA} root@host\r
ssh-ed25519 {ED25519} root@host\r
-----END SSH HOST KEY KEYS-----\r
"""


def test_host_keys_are_read_from_the_console() -> None:
    assert ssh_access.keys_on_console(CONSOLE) == [f"ssh-ed25519 {ED25519}"]
    assert ssh_access.keys_on_console(CONSOLE.replace("ssh-ed25519", "ssh-rsa")) == [f"ecdsa-sha2-nistp256 {ECDSA}"]
    assert ssh_access.keys_on_console(CONSOLE.partition("-----END SSH HOST KEY KEYS")[0]) == []
    assert ssh_access.keys_on_console("") == []


class Console:
    """GetConsoleOutput of instances whose output appears at the second look."""

    def __init__(self, *silent: str) -> None:
        self.silent, self.looks = set(silent), dict[str, int]()

    def get_console_output(self, InstanceId: str, Latest: bool = False) -> dict[str, str]:  # noqa: N803
        self.looks[InstanceId] = self.looks.get(InstanceId, 0) + 1
        return {} if InstanceId in self.silent or self.looks[InstanceId] < 2 else {"Output": CONSOLE}


OTHER = ED25519[:-1] + "B"
INSTANCES = {
    "backend-1": {"id": "i-0b0b0b0b", "private_address": "10.0.0.9", "public_address": ""},
    "frontend-1": {"id": "i-0f0f0f0f", "private_address": "10.0.0.4", "public_address": "203.0.113.5"},
}

BACKEND = {"backend-1": INSTANCES["backend-1"]}


def test_known_hosts_follow_the_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_access.time, "sleep", lambda _seconds: None)
    kept = f"{INSTANCES['frontend-1']['id']} ssh-ed25519 {OTHER}\n"
    before, _strange = ssh_access.by_instance(f"i-00000000 ssh-ed25519 {ED25519}\n{kept}")
    after = ssh_access.known_hosts(Console(), before, INSTANCES, timeout=60)
    assert "i-00000000" not in after
    assert kept in after
    assert f"{INSTANCES['backend-1']['id']} ssh-ed25519 {ED25519}\n" in after


def test_a_silent_console_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_access.time, "sleep", lambda _seconds: None)
    with pytest.raises(ssh_access.NoKeysError, match=r"^backend-1$"):
        ssh_access.known_hosts(Console(INSTANCES["backend-1"]["id"]), {}, BACKEND, timeout=-1)


def test_the_keys_that_were_kept_are_read_where_no_console_shows_them(cloud: Endpoint) -> None:
    ssm, names, private = cloud.client("ssm"), ("/t/keys/key", "/t/keys/known-hosts"), secret_parameters.new_ssh_key()
    with pytest.raises(ssh_access.NoSecretError, match=r"^/t/keys/key is not in SSM"):
        ssh_access.parameters(ssm, *names)
    ssm.put_parameter(Name=names[0], Value="Host *\n", Type="SecureString")
    with pytest.raises(ssh_access.NoSecretError, match=r"^/t/keys/key holds no private SSH key"):
        ssh_access.parameters(ssm, *names)
    ssm.put_parameter(Name=names[0], Value=private, Type="SecureString", Overwrite=True)
    assert ssh_access.parameters(ssm, *names) == (private, "")
    line = f"{INSTANCES['backend-1']['id']} ssh-ed25519 {OTHER}\n"
    ssm.put_parameter(Name=names[1], Value=line, Type="String")
    before, _strange = ssh_access.by_instance(ssh_access.parameters(ssm, *names)[1])
    assert ssh_access.known_hosts(Console(INSTANCES["backend-1"]["id"]), before, BACKEND, timeout=-1) == line


def test_backends_are_reached_through_a_frontend() -> None:
    text = ssh_access.ssh_config("/s", "admin", "console", INSTANCES)
    backend, frontend = (next(s for s in text.split("\n\n") if s.startswith(f"Host {n}")) for n in INSTANCES)
    assert "ProxyCommand sh -c 'ssh -F /s/config -W %h:%p frontend-1'" in backend
    assert "HostName 10.0.0.9" in backend
    assert "ProxyCommand none" in frontend
    assert "StrictHostKeyChecking yes" in text
    assert "StrictHostKeyChecking accept-new" in ssh_access.ssh_config("/s", "admin", "accept-new", INSTANCES)


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "id_ed25519"
    assert ssh_access.write(file, "secret")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not ssh_access.write(file, "secret")
    file.chmod(0o644)
    assert ssh_access.write(file, "secret")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


BODY = "AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
KEY = f"ssh-ed25519 {BODY}"
HOST = "i-0123456789abcdef0"
HOSTILE = texts(Path("/nonexistent/ran"))


def console(*lines: str) -> str:
    return "\r\n".join((ssh_access.BEGIN, *lines, ssh_access.END, ""))


def test_a_whole_key_is_taken() -> None:
    assert ssh_access.keys_on_console(console(f"{KEY} root@host")) == [KEY]


@pytest.mark.parametrize(
    "line",
    [
        f"ssh-ed25519 {BODY[:30]}[   14.2] audit: type=1400",
        f"ssh-ed25519 {BODY[:30]}[   14.2]{BODY[30:]} root@host",
        f"ssh-ed25519 {BODY[:-4]} root@host",
        f"ssh-ed25519 {BODY}AAAA root@host",
        f"ssh-rsa {BODY} root@host",
        f"ssh-dss {BODY} root@host",
        f"[   14.2] audit: {KEY}",
        f"@cert-authority * {KEY}",
    ],
)
def test_a_torn_key_is_none_and_is_looked_for_again(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ssh_access.keys_on_console(console(line)) == []
    outputs = iter([console(line), console(f"{KEY} root@host")])
    monkeypatch.setattr(ssh_access, "console", lambda *_: next(outputs))
    monkeypatch.setattr(ssh_access.time, "sleep", lambda _seconds: None)
    assert ssh_access.known_hosts(None, {}, {"backend-1": {"id": HOST}}, timeout=60) == f"{HOST} {KEY}\n"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_lines_of_a_stranger_are_no_known_hosts(text: str) -> None:
    for line in (text, f"{text} {KEY}", f"{HOST},{text} {KEY}", f"@revoked {text}", f"{HOST} {text}"):
        known, strange = ssh_access.by_instance(f"{HOST} {KEY}\n{line}\n")
        assert known == {HOST: {f"{HOST} {KEY}"}}
        assert strange == [part for part in line.split("\n") if part]


def test_keys_that_this_machine_knows_are_not_replaced() -> None:
    other, name = f"ssh-ed25519 {BODY[:-1]}B", {HOST: "backend-1"}
    here, _strange = ssh_access.by_instance(f"{HOST} {KEY}\n")
    assert (
        ssh_access.merged(here, {}, name)
        == ssh_access.merged(here, here, name)
        == ssh_access.merged({}, here, name)
        == here
    )
    for kept in (f"{HOST} {other}\n", f"{HOST} {KEY}\n{HOST} {other}\n"):
        with pytest.raises(ssh_access.OtherKeysError, match=rf"^backend-1 \({HOST}\)$"):
            ssh_access.merged(here, ssh_access.by_instance(kept)[0], name)


@pytest.mark.parametrize("folder", ["plain", "a b", "it's", 'a"b', "100%h", "a\\b", "a # b", "a$b;c&d", "-F x", "ü"])
def test_a_checkout_may_lie_below_any_path(tmp_path: Path, folder: str) -> None:
    directory, tools = tmp_path / folder, tmp_path / "bin"
    directory.mkdir()
    tools.mkdir()
    instances = {
        "frontend-1": {"id": HOST, "private_address": "10.0.0.4", "public_address": "203.0.113.5"},
        "backend-1": {"id": f"{HOST[:-1]}1", "private_address": "10.0.0.9", "public_address": ""},
    }
    config = directory / "config"
    config.write_text(ssh_access.ssh_config(str(directory), "admin", "console", instances))
    told = subprocess.run(["ssh", "-G", "-F", config, "backend-1"], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    settings = dict(line.split(" ", 1) for line in told.stdout.splitlines())
    assert settings["userknownhostsfile"] == f"{directory}/known_hosts"
    # Of this one, ssh -G shows what the file says.
    assert settings["identityfile"] == f"{directory}/id_ed25519".replace("%", "%%")
    # The way through a frontend, as the shell understands it.
    (tools / "ssh").write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{tmp_path}/words'\n")
    (tools / "ssh").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    command = ["/usr/bin/ssh", "-F", config, "backend-1"]
    subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    words = (tmp_path / "words").read_text().splitlines()
    assert words == ["-F", str(config), "-W", "10.0.0.9:22", "frontend-1"]
