"""What role access writes for SSH: whole keys of its own hosts, below any path, and nothing that a stranger wrote."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.hostile import texts
from tests.support.plugins import load

access = load("plugins/modules/ssh_access.py")
survey_module = load("plugins/modules/survey.py")
from ansible.module_utils import survey_services  # noqa: E402
from ansible.module_utils.look import Look, shown  # noqa: E402

BODY = "AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
KEY = f"ssh-ed25519 {BODY}"
HOST = "i-0123456789abcdef0"
HOSTILE = texts(Path("/nonexistent/ran"))


def console(*lines: str) -> str:
    return "\r\n".join((access.BEGIN, *lines, access.END, ""))


def test_a_whole_key_is_taken() -> None:
    assert access.keys_on_console(console(f"{KEY} root@host")) == [KEY]


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
    assert access.keys_on_console(console(line)) == []
    outputs = iter([console(line), console(f"{KEY} root@host")])
    monkeypatch.setattr(access, "console", lambda *_: next(outputs))
    monkeypatch.setattr(access.time, "sleep", lambda _seconds: None)
    assert access.known_hosts(None, {}, {"backend-1": {"id": HOST}}, timeout=60) == f"{HOST} {KEY}\n"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_lines_of_a_stranger_are_no_known_hosts(text: str) -> None:
    for line in (text, f"{text} {KEY}", f"{HOST},{text} {KEY}", f"@revoked {text}", f"{HOST} {text}"):
        known, strange = access.by_instance(f"{HOST} {KEY}\n{line}\n")
        assert known == {HOST: {f"{HOST} {KEY}"}}
        assert strange == [part for part in line.split("\n") if part]


def test_keys_that_this_machine_knows_are_not_replaced() -> None:
    other, name = f"ssh-ed25519 {BODY[:-1]}B", {HOST: "backend-1"}
    here, _ = access.by_instance(f"{HOST} {KEY}\n")
    assert access.merged(here, {}, name) == access.merged(here, here, name) == access.merged({}, here, name) == here
    for kept in (f"{HOST} {other}\n", f"{HOST} {KEY}\n{HOST} {other}\n"):
        with pytest.raises(access.OtherKeysError, match=rf"^backend-1 \({HOST}\)$"):
            access.merged(here, access.by_instance(kept)[0], name)


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
    config.write_text(access.ssh_config(str(directory), "admin", "console", instances))
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


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_hostile_name_is_a_host(name: str) -> None:
    look = Look(lambda _service: None, "tandem", "local")
    values = {"Name": "frontend-1", "Tier": "frontend"}
    own = {
        "KeyName": "tandem-local-ssh",
        "IamInstanceProfile": {"Arn": "arn:aws:iam::123456789012:instance-profile/tandem-local-host"},
    }

    def oddity(**other: str) -> str:
        tags = [{"Key": key, "Value": value} for key, value in (values | other).items()]
        return str(survey_services.oddity(look, {**own, "Tags": tags}))

    assert oddity() == ""
    for said in (oddity(Name=name), "-" if name == "frontend" else oddity(Tier=name)):
        assert said
        assert said.isascii()
        assert said.isprintable()
        assert len(said) < 300
    assert shown(name).isprintable()
    told = look.known(f"tandem-local-{name}", "id-1")
    assert told == "id-1" or re.fullmatch("[a-z0-9_-]+", told)
