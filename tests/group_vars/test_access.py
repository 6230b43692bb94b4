"""The access matrix, as it stands and compiled to rules of security groups."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.tandem.platform.plugins.modules import security_groups

from tests.support.cloud import ROOT

ACCESS = yaml.safe_load((ROOT / "group_vars/all/access.yml").read_text())
PORTS = {"{{ frontend_port }}": 5000, "{{ backend_port }}": 5001}
MATRIX = [
    {**row, "port": PORTS.get(row["port"], row["port"]), "protocol": row.get("protocol", "tcp")}
    for row in ACCESS["access_matrix"]
]
SURGE = {"{{ frontend_surge_port }}": 5010, "{{ backend_surge_port }}": 5011}
TIERS = list(ACCESS["access_tiers"])
SIDES = {tier: f"sg-{tier}" for tier in TIERS} | {"internet": "0.0.0.0/0", "admin": "203.0.113.7/32"}


def compiled(matrix: list[dict[str, Any]]) -> dict[str, set[tuple[str, int | None, str]]]:
    """Tier -> {(direction, port, other side)}."""
    return {
        tier: {
            (rule.direction, rule.from_port, rule.other) for rule in security_groups.wanted_rules(tier, matrix, SIDES)
        }
        for tier in TIERS
    }


def reaches(matrix: list[dict[str, Any]], source: str, target: str, port: int) -> bool:
    """Whether both gates are open: out of the source's group, and into the target's."""
    rules = compiled(matrix)
    out = source not in rules or ("egress", port, SIDES[target]) in rules[source]
    into = target not in rules or ("ingress", port, SIDES[source]) in rules[target]
    return out and into


def test_every_line_opens_both_gates_and_nothing_else_is_open() -> None:
    lines = {(row["from"], row["to"], row["port"]) for row in MATRIX}
    ports = {port for _, _, port in lines}
    outsides = ("internet", "admin")
    for source in SIDES:
        for target in SIDES:
            for port in ports:
                if source != target and not (source in outsides and target in outsides):
                    wanted = (source, target, port) in lines
                    assert reaches(MATRIX, source, target, port) is wanted, f"{source} -> {target}:{port}"


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row['from']}-{row['to']}-{row['port']}")
def test_without_its_line_the_way_is_shut(row: dict[str, Any]) -> None:
    rest = [other for other in MATRIX if other is not row]
    assert reaches(MATRIX, row["from"], row["to"], row["port"])
    assert not reaches(rest, row["from"], row["to"], row["port"])


def test_what_the_challenge_asks_is_in_the_matrix() -> None:
    for_packages_and_ssh = {22, 80, 443}
    to_backends = {row["from"] for row in MATRIX if row["to"] == "backend" and row["port"] not in for_packages_and_ssh}
    assert to_backends == {"internal_alb"}
    assert {row["from"] for row in MATRIX if row["to"] == "internal_alb"} == {"frontend"}
    assert {row["from"] for row in MATRIX if row["to"] == "database"} == {"backend"}
    assert {row["to"] for row in MATRIX if row["from"] == "internet"} == {"public_alb"}
    assert [row for row in MATRIX if row["from"] == "database"] == []


def test_every_name_in_the_matrix_is_a_tier_or_an_outside() -> None:
    assert {row[side] for row in MATRIX for side in ("from", "to")} <= set(SIDES)
    assert all(row["why"] for row in MATRIX)


def test_only_outsides_are_address_ranges() -> None:
    for rules in compiled(MATRIX).values():
        for _, _, other in rules:
            assert other.startswith("sg-") or other in ("0.0.0.0/0", "203.0.113.7/32")


def test_a_second_container_is_for_its_load_balancer_alone() -> None:
    """With release_surge the matrix has two lines more, and none of them lets anybody else in."""
    more = [{**row, "port": SURGE[row["port"]], "protocol": "tcp"} for row in ACCESS["access_matrix_surge"]]
    everyone = [*TIERS, "internet", "admin"]
    for port, balancer, tier in ((5010, "public_alb", "frontend"), (5011, "internal_alb", "backend")):
        assert [source for source in everyone if reaches(MATRIX + more, source, tier, port)] == [balancer]
        assert not any(reaches(MATRIX, source, tier, port) for source in everyone)
