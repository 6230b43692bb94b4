"""Docker's options, time servers and automatic updates, as the templates write them."""

from __future__ import annotations

import configparser
import json
import re
from typing import Any

import pytest

from tests.support.templates import render


def daemon(**variables: Any) -> dict[str, Any]:
    rendered = render("docker_host", "daemon.json.j2", **variables)
    return json.loads(rendered) if isinstance(rendered, str) else rendered


def test_docker_bounds_the_containers_logs() -> None:
    assert daemon()["log-opts"] == {"max-size": "10m", "max-file": "5"}
    assert daemon(docker_host_log_max_size="1g", docker_host_log_max_files=2)["log-opts"] == {
        "max-size": "1g",
        "max-file": "2",
    }


def test_dockers_own_options_win() -> None:
    assert daemon()["live-restore"] is True
    options = daemon(docker_host_daemon_options={"live-restore": False, "debug": True})
    assert (options["live-restore"], options["debug"]) == (False, True)


@pytest.mark.parametrize(
    ("servers", "line"), [([], ""), (["time.example.org", "10.0.0.1"], "time.example.org 10.0.0.1")]
)
def test_time_servers(servers: list[str], line: str) -> None:
    parsed = configparser.ConfigParser()
    parsed.read_string(render("docker_host", "timesyncd.conf.j2", docker_host_time_servers=servers))
    assert parsed["Time"]["NTP"] == line


@pytest.mark.parametrize("on", [True, False])
def test_automatic_updates(on: bool) -> None:
    text = render(
        "docker_host", "automatic-updates.j2", docker_host_automatic_updates=on, docker_host_automatic_reboot=on
    )
    options = dict(re.findall(r'^(\S+) "(.*)";$', text, re.MULTILINE))
    assert options["APT::Periodic::Unattended-Upgrade"] == str(int(on))
    assert options["Unattended-Upgrade::Automatic-Reboot"] == str(on).lower()
