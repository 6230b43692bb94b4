"""Filters: how addresses are cut, where packets go, which hosts there are, what differs from what is wanted."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.plugins import load

network_plan = load("plugins/filter/network_plan.py")
host_plan = load("plugins/filter/host_plan.py")
wanted = load("plugins/filter/wanted.py")

networks = st.builds(
    lambda bits, prefix: str(IPv4Network((0x0A000000 | bits, prefix), strict=False)),
    st.integers(0, 2**24 - 1),
    st.integers(16, 24),
)


@given(networks)
def test_subnets_lie_in_the_vpc_and_apart(cidr: str) -> None:
    subnets = [IPv4Network(item["cidr"]) for item in network_plan.subnet_plan(cidr, ["a", "b"])]
    assert len(subnets) == 6
    assert all(subnet.subnet_of(IPv4Network(cidr)) for subnet in subnets)
    assert not any(one.overlaps(other) for one, other in combinations(subnets, 2))


@given(networks)
def test_a_load_balancer_fits_into_each_subnet(cidr: str) -> None:
    """AWS keeps five addresses of a subnet, and a load balancer wants eight free ones."""
    for item in network_plan.subnet_plan(cidr):
        assert IPv4Network(item["cidr"]).num_addresses - 5 >= 8


def test_each_tier_has_a_subnet_in_each_zone() -> None:
    plan = network_plan.subnet_plan("10.40.0.0/16", ["us-east-1a", "us-east-1c"])
    assert [(item["name"], item["cidr"], item["zone"]) for item in plan] == [
        ("public-1", "10.40.0.0/19", "us-east-1a"),
        ("public-2", "10.40.32.0/19", "us-east-1c"),
        ("private-1", "10.40.64.0/19", "us-east-1a"),
        ("private-2", "10.40.96.0/19", "us-east-1c"),
        ("isolated-1", "10.40.128.0/19", "us-east-1a"),
        ("isolated-2", "10.40.160.0/19", "us-east-1c"),
    ]


@pytest.mark.parametrize(
    ("mode", "gateways", "targets"),
    [
        ("single", ["nat-1"], ["nat-1", "nat-1"]),
        ("per_az", ["nat-1", "nat-2"], ["nat-1", "nat-2"]),
        ("none", [], [None, None]),
    ],
)
def test_private_subnets_leave_through_their_nat_gateway(
    mode: str, gateways: list[str], targets: list[str | None]
) -> None:
    assert [item["name"] for item in network_plan.nat_plan(mode)] == gateways
    tables = {item["name"]: item["found_as"] for item in network_plan.route_table_plan(mode)}
    assert [tables[f"private-{n}"]["routes"].get("0.0.0.0/0") for n in (1, 2)] == targets
    assert tables["public"] == {"routes": {"0.0.0.0/0": "internet"}, "subnets": ["public-1", "public-2"]}


def test_the_isolated_subnets_table_leads_nowhere() -> None:
    for mode in ("single", "per_az", "none"):
        tables = {item["name"]: item["found_as"] for item in network_plan.route_table_plan(mode)}
        assert tables["isolated"] == {"routes": {}, "subnets": ["isolated-1", "isolated-2"]}


def test_routes_are_given_by_identifier() -> None:
    specs = network_plan.route_specs({"0.0.0.0/0": "nat-1"}, {"nat-1": {"id": "nat-0abc"}})
    assert specs == [{"dest": "0.0.0.0/0", "gateway_id": "nat-0abc"}]
    assert network_plan.route_specs({"0.0.0.0/0": "internet"}, {})[0]["gateway_id"] == "igw"


def test_hosts_take_turns_over_the_zones() -> None:
    tiers = [{"tier": "backend", "count": "3", "subnets": ["private-1", "private-2"], "public": False}]
    plan = host_plan.host_plan(tiers)
    assert [(item["name"], item["subnet"]) for item in plan] == [
        ("backend-1", "private-1"),
        ("backend-2", "private-2"),
        ("backend-3", "private-1"),
    ]
    assert plan[0]["found_as"]["hop_limit"] == 1


@pytest.mark.parametrize(
    ("found", "want", "answer"),
    [
        ({"cidr": "10.0.0.0/24", "id": "x"}, {"cidr": "10.0.0.0/24"}, True),
        ({"cidr": "10.0.1.0/24"}, {"cidr": "10.0.0.0/24"}, False),
        ({}, {}, False),
        (None, {"a": 1}, False),
        ({"a": "1"}, {"a": 1}, True),
        ({"l": ["b", "a"]}, {"l": ["a", "b"]}, True),
        ({"l": ["a", "b", "c"]}, {"l": ["a", "b"]}, False),
        ({"routes": {}}, {"routes": {}}, True),
        ({"routes": {"0.0.0.0/0": "internet"}}, {"routes": {}}, False),
        ({"routes": {"0.0.0.0/0": "blackhole"}}, {"routes": {"0.0.0.0/0": "nat-1"}}, False),
    ],
)
def test_what_is_found_satisfies_what_is_wanted(found: dict | None, want: dict, answer: bool) -> None:
    assert wanted.satisfies(found, want) is answer


def test_lacking_names_what_is_missing_or_differs() -> None:
    items = [
        {"name": "a", "found_as": {"x": 1}},
        {"name": "b", "found_as": {"x": 1}},
        {"name": "c", "found_as": {"x": 1}},
        {"name": "d"},
    ]
    assert [item["name"] for item in wanted.lacking(items, {"a": {"x": 1}, "b": {"x": 2}, "d": {"id": 1}})] == [
        "b",
        "c",
    ]
