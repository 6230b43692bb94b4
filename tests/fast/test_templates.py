"""Templates, rendered by Ansible's own templar and compared by what they mean."""

from __future__ import annotations

import configparser
import json
import re
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.support.cloud import ROOT


def defaults(role: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text())


def trusted(value: Any) -> Any:
    """Strings as Ansible reads them from files: to be templated."""
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def render(role: str, template: str, **variables: Any) -> str:
    """A role's template with the role's defaults under these variables, as module `template` renders it."""
    file = ROOT / f"roles/{role}/templates/{template}"
    templar = Templar(loader=DataLoader(), variables={**trusted(defaults(role)), **variables})
    overrides = {"trim_blocks": True, "keep_trailing_newline": True}
    return str(templar.copy_with_new_env(**overrides).template(trust_as_template(file.read_text())))


# -- role docker_host ---------------------------------------------------------------------------------------
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


# -- role release -------------------------------------------------------------------------------------------
def test_a_containers_environment_is_one_line_a_variable() -> None:
    variables = {
        "NAME": "backend-1",
        "VERSION": "1.2.3",
        "DBCONNECTIONSTRING": "host=db password=a=b#c sslmode=verify-full",
    }
    lines = render("release", "env.j2", release_environment=variables).splitlines()
    assert dict(line.split("=", 1) for line in lines) == variables


# -- role teardown ------------------------------------------------------------------------------------------
RESOURCES = [
    {
        "kind": "instance",
        "name": "frontend-1",
        "text": "instance frontend-1 (i-1)",
        "data": "its disk",
        "managed": False,
    },
    {"kind": "VPC", "name": "tandem-a", "text": "VPC tandem-a (vpc-1)", "data": "", "managed": False},
]


def plan(resources: list[dict[str, Any]], **variables: Any) -> str:
    given: dict[str, Any] = {
        "teardown__name": "tandem-a",
        "teardown_region": "us-east-1",
        "teardown__found": {"account": "123456789012", "snapshots": []},
        "teardown__doomed": resources,
        "teardown__shown": resources,
        "teardown__makes_snapshot": False,
    }
    return render("teardown", "plan.txt.j2", **{**given, **variables})


def test_the_plan_names_what_goes_and_what_data_is_lost() -> None:
    text = plan(RESOURCES)
    assert "instance (1): frontend-1" in text
    assert "instance frontend-1 (i-1): its disk" in text
    assert "VPC tandem-a (vpc-1)" not in text, "a VPC holds no data"
    assert "final snapshot" not in text
    assert "final snapshot" in plan(RESOURCES, teardown__makes_snapshot=True)


def test_the_plan_says_when_there_is_nothing() -> None:
    assert "Nothing of tandem-a is in us-east-1 of account 123456789012." in plan([])
