"""How addresses are cut, and where packets go."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from ansible_collections.tandem.platform.plugins.filter import network_plan
from hypothesis import given
from hypothesis import strategies as st

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
