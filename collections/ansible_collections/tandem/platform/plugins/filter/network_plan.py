"""How an environment's addresses are cut into subnets, and where their packets go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

# Order of the eighths of a VPC's range. Two eighths stay free: room to grow without moving anything.
TIERS = ("public", "private", "isolated")
ZONES = 2


def subnet_plan(vpc_cidr: str, zones: Sequence[str] = ("", "")) -> list[dict[str, Any]]:
    """The subnets of a VPC, two a tier: {name: public-1, tier: public, cidr: 10.40.0.0/19, zone: us-east-1a}.

    zones: the availability zones of the first and the second subnet of each tier.
    found_as: what a survey tells of the subnet when it is as planned.
    """
    eighths = list(IPv4Network(vpc_cidr).subnets(prefixlen_diff=3))
    return [
        {
            "name": f"{tier}-{zone + 1}",
            "tier": tier,
            "cidr": str(eighths[number * ZONES + zone]),
            "zone": zones[zone],
            "found_as": {"cidr": str(eighths[number * ZONES + zone]), "zone": zones[zone], "tier": tier},
        }
        for number, tier in enumerate(TIERS)
        for zone in range(ZONES)
    ]


def nat_plan(mode: str) -> list[dict[str, str]]:
    """The NAT gateways of a mode (single, per_az, none), for example {name: nat-1, subnet: public-1}."""
    count = {"single": 1, "per_az": ZONES, "none": 0}[mode]
    return [{"name": f"nat-{n + 1}", "subnet": f"public-{n + 1}"} for n in range(count)]


def route_table_plan(mode: str) -> list[dict[str, Any]]:
    """Route tables for a NAT mode. That of the isolated subnets leads nowhere.

    routes: destination -> `internet` (the internet gateway) or the name of a NAT gateway.
    """
    gateways = {"single": ["nat-1", "nat-1"], "per_az": ["nat-1", "nat-2"], "none": ["", ""]}[mode]
    tables = [
        ("public", "internet", [f"public-{zone + 1}" for zone in range(ZONES)]),
        *((f"private-{zone + 1}", gateways[zone], [f"private-{zone + 1}"]) for zone in range(ZONES)),
        ("isolated", "", [f"isolated-{zone + 1}" for zone in range(ZONES)]),
    ]
    return [
        {"name": name, "found_as": {"routes": {"0.0.0.0/0": target} if target else {}, "subnets": subnets}}
        for name, target, subnets in tables
    ]


def route_specs(routes: Mapping[str, str], nat_gateways: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Routes as amazon.aws.ec2_vpc_route_table takes them.

    routes: destination -> internet or the name of a NAT gateway. nat_gateways: as a survey tells them.
    """
    ids = {"internet": "igw", **{name: gateway["id"] for name, gateway in nat_gateways.items()}}
    return [{"dest": destination, "gateway_id": ids.get(target, "nat-0")} for destination, target in routes.items()]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "subnet_plan": subnet_plan,
            "nat_plan": nat_plan,
            "route_table_plan": route_table_plan,
            "route_specs": route_specs,
        }
