"""Preflight: every kind of wrong variable is named with its value, what is allowed, and a way to mend it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import (
    RULES,
    password_problem,
    path_problem,
    settings_problems,
    vpc_cidr_problems,
)

from tests.support.cloud import ROOT

GOOD: dict[str, Any] = {
    **yaml.safe_load((ROOT / "group_vars/all/main.yml").read_text()),
    "db_name": "tandem",
    "db_master_username": "tandem_master",
    "frontend_port": 5000,
    "backend_port": 5001,
    "frontend_surge_port": 5010,
    "backend_surge_port": 5011,
    "state_dir": "/tmp/state",
}
PORTS = {"{{ frontend_port }}": 5000, "{{ backend_port }}": 5001}
MATRIX = [
    {**row, "port": PORTS.get(row["port"], row["port"])}
    for row in yaml.safe_load((ROOT / "group_vars/all/access.yml").read_text())["access_matrix"]
]


def problems(**changes: Any) -> list[str]:
    return [str(problem) for problem in settings_problems({**GOOD, **changes})]


def test_the_variables_as_they_come_are_right() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("project", "Tandem"),
        ("project", "internal"),
        ("project", "ssmith"),
        ("project", "sg"),
        ("project", "a--b"),
        ("env_name", "x"),
        ("env_name", "staging-"),
        ("env_name", "far-too-long"),
        ("region", "eu-central-\u0661"),
        ("region", "frankfurt"),
        ("region", "us-gov-west-1"),
        ("region", "cn-north-1"),
        ("region", "eusc-de-east-1"),
        ("region", "us-isob-east-1"),
        ("vpc_cidr", "10.0.0.1/16"),
        ("vpc_cidr", "10.0.0.0/8"),
        ("vpc_cidr", "10.0.0.0/28"),
        ("vpc_cidr", "8.8.0.0/16"),
        ("vpc_cidr", "172.17.0.0/16"),
        ("vpc_cidr", "words"),
        ("admin_cidr", "0.0.0.0/0"),
        ("admin_cidr", "203.0.113.7/24"),
        ("admin_cidr", "128.0.0.0/1"),
        ("admin_cidr", "203.0.113.7"),
        ("admin_cidr", 5),
        ("frontend_count", 0),
        ("backend_count", 10),
        ("backend_count", "two"),
        ("app_version", "a b"),
        ("app_version", "v" * 41),
        ("app_version", 'a"b'),
        ("app_version", "$(id)"),
        ("frontend_port", 80),
        ("backend_port", "x"),
        ("backend_port", 65536),
        ("frontend_surge_port", 5000),
        ("access_matrix", "none"),
        ("state_dir", "/"),
        ("state_dir", "/tmp/../etc"),
        ("state_dir", "/tmp/a b"),
        ("release_batch", "0"),
        ("release_soak", "soon"),
        ("instance_type", "micro"),
        ("volume_size", 4),
        ("db_instance_class", "t4g.micro"),
        ("db_storage", 5),
        ("db_engine_version", "latest"),
        ("db_backup_days", 36),
        ("db_name", "my-db"),
        ("db_master_username", "admin"),
        ("nat_gateway", "two"),
        ("permissions_boundary", "boundary"),
        ("permissions_boundary", "arn:aws:iam::111122223333:role/boundary"),
        ("extra_tags", "CostCenter=42"),
        ("extra_tags", {"CostCenter": 42}),
        ("extra_tags", {"CostCenter": "a\nb"}),
        ("extra_tags", {"": "a"}),
        ("extra_tags", {" a": "a"}),
        ("extra_tags", {"AWS:a": "a"}),
        ("extra_tags", {"environment": "other"}),
        ("extra_tags", {"Name": "other"}),
        ("extra_tags", {"$(id)": "a"}),
        ("extra_tags", {"Team": "a", "team": "b"}),
        ("deletion_protection", "maybe"),
        ("ssh_host_keys", "off"),
    ],
)
def test_a_wrong_value_is_named(variable: str, value: Any) -> None:
    found = problems(**{variable: value})
    assert len(found) == 1, found
    assert re.search(rf"^{variable} = {re.escape(str(value))}$", found[0], re.MULTILINE)
    assert all(f"{part}:" in found[0] for part in ("wrong", "allowed", "fix"))


def test_tags_of_an_organization_are_allowed() -> None:
    assert problems(extra_tags={"CostCenter": "42", "team:Owner": "me@example.com", "empty": ""}) == []
    assert problems(extra_tags={str(number): "" for number in range(40)}) == []
    assert len(problems(extra_tags={str(number): "" for number in range(41)})) == 1


def test_the_example_of_every_rule_is_allowed() -> None:
    for variable, rule in RULES.items():
        assert rule.problem(variable, rule.example) == [], variable


# What a tired operator, an unset variable of a pipeline, or YAML makes of a value.
ODD: list[Any] = [
    "\n", "a\nb", "main\n", " ", ".", "..", "/", "a/b", "*", "?", "try?", "ma*", "lócal", "ｍain", "ma\x1b[31min",
    "\u202emain", "'", '"', "`id`", "a;b", "{{ 1 }}", "{% x %}", "\x00", "a" * 5000, "1" * 5000,
    [], ["main"], {}, {"a": 1}, None, 1.1,
]  # fmt: skip


@pytest.mark.parametrize("variable", [*RULES, "vpc_cidr", "admin_cidr", "access_matrix"])
def test_odd_values_are_refused_by_every_rule(variable: str) -> None:
    """Each in a message of few lines that a terminal shows as it is."""
    for value in ODD:
        if variable in ("health_path", "state_dir", "database_ca_bundle_file") and value in ("/", "lócal", "ｍain"):
            continue
        [message, *_more] = problems(**{variable: value}) or [f"{value!r} was accepted"]
        assert message.startswith(f"{variable} = "), message
        assert message.replace("\n", "").isprintable(), message
        assert len(message) < 600, message


def test_a_number_is_no_version() -> None:
    [message] = problems(app_version=1.10)
    assert "app_version = 1.1\n" in message
    assert 'fix:     quotes, since YAML reads 1.10 as 1.1 and no as false: app_version: "0.0.1"' in message
    assert problems(app_version="1.10") == []


def test_the_access_matrix_as_it_comes_is_right() -> None:
    assert problems(access_matrix=MATRIX) == []
    packages = {"from": "backend", "to": "internet", "port": "5432", "protocol": "udp"}
    assert problems(access_matrix=[*MATRIX, packages]) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"from": "internet", "to": "database", "port": 5432}, "internet must not reach database"),
        ({"from": "internet", "to": "backend", "port": 5001}, "internet must not reach backend"),
        ({"from": "public_alb", "to": "backend", "port": 5001}, "public_alb must not reach backend"),
        ({"from": "database", "to": "internet", "port": 443}, "database must not reach internet"),
        ({"from": "nobody", "to": "frontend", "port": 80}, "from or to is no tier"),
        ({"from": "frontend", "port": 80}, "from or to is no tier"),
        ({"from": "admin", "to": "frontend", "port": 0}, "port or protocol is not allowed"),
        ({"from": "admin", "to": "frontend", "port": 80, "protocol": "-1"}, "port or protocol is not allowed"),
        ({"from": "admin", "to": "frontend", "port": 80, "why": "a\nb"}, "why is no text that AWS takes"),
        ({"from": "admin", "to": "frontend", "port": 80, "cidr": "x"}, "a line has other keys"),
        (MATRIX[0], "the line is there twice"),
    ],
)
def test_a_line_that_the_access_matrix_cannot_have(row: dict[str, Any], said: str) -> None:
    [message] = problems(access_matrix=[*MATRIX, row])
    assert said in message


@pytest.mark.parametrize("number", range(7))
def test_a_line_that_the_access_matrix_needs(number: int) -> None:
    [message] = problems(access_matrix=MATRIX[:number] + MATRIX[number + 1 :])
    assert "a line is missing" in message


@pytest.mark.parametrize("cidr", ["10.0.0.1/16", "10.0.0.1/8", "10.0.0.0/8", "10.1.2.0/28"])
def test_the_proposed_range_is_right(cidr: str) -> None:
    [problem] = vpc_cidr_problems(cidr)
    assert vpc_cidr_problems(problem.fix.partition("=")[2]) == []


def test_all_problems_are_told_at_once() -> None:
    assert len(problems(vpc_cidr="10.0.0.0/8", frontend_count=0, nat_gateway="x")) == 3


def test_names_too_long_together() -> None:
    [problem] = problems(project="abcdefghijkl", env_name="abcdefghij" + "k")[:1]
    assert "env_name" in problem
    [problem] = problems(project="abcdefghijkl", env_name="abcdefghij") or [""]
    assert problem == ""  # 12 + 1 + 10 + 9 are the 32 that AWS takes


@pytest.mark.parametrize("path", ["/tandem/main", "/tandem/main/release/lock", "/a-b/c1/ssh/known-hosts"])
def test_paths_of_an_environment(path: str) -> None:
    assert path_problem(path) == ""


@pytest.mark.parametrize(
    "path", ["", "/", "//", "/tandem", "/tandem/", "/tandem//", "/tandem//x", "/tandem/main/", "/tandem/../main", "tandem/main",
             "/tandem/main/..", "/tandem/*", "/tandem/main\n", "/Tandem/main", "/tandem/m", "/other/tandem/main//"],
)  # fmt: skip
def test_paths_of_no_environment_or_of_several(path: str) -> None:
    assert "is no path of an environment" in path_problem(path)


def test_ssh_from_everywhere_can_be_insisted_on() -> None:
    assert problems(admin_cidr="0.0.0.0/0", allow_admin_from_anywhere=True) == []


@pytest.mark.parametrize(
    "password", ["short", "with/slash12", 'with"quote12', "with@at12345", "with space12", "é" * 12]
)
def test_passwords_that_rds_refuses(password: str) -> None:
    problem = password_problem(password)
    assert problem
    assert password not in problem
