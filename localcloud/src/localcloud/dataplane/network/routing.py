"""Translates a VPC's route tables and public addresses to `ip` and nftables commands, as pure functions."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Literal

from localcloud.contract.topology import Interface, NatGateway, Route, Subnet, Vpc

GATEWAY_DEVICE = "igw"
GATEWAY_INTERNET_END = "198.19.0.1"
GATEWAY_VPC_END = "198.19.0.2"

NAT_TABLE = "gateway"


def gateway_address(subnet: Subnet) -> str:
    """The subnet's router: as on AWS, its first host address."""
    return str(IPv4Network(subnet.cidr)[1])


def resolver_address(vpc: Vpc) -> str:
    """The VPC's name server: as on AWS, its first range plus two."""
    return str(IPv4Network(vpc.cidrs[0])[2])


def way_out(vpc: Vpc, route: Route) -> Literal["internet-gateway"] | NatGateway | None:
    """Where a route leads: the internet gateway, a NAT gateway, or (None) nowhere."""
    if vpc.internet_gateway_id and route.target == vpc.internet_gateway_id:
        return "internet-gateway"
    nats = (nat for nat in vpc.nat_gateways if nat.id == route.target and nat.public_address)
    return next((nat for nat in nats if _reaches_internet(vpc, nat)), None)


def _reaches_internet(vpc: Vpc, nat: NatGateway) -> bool:
    """Whether the NAT gateway's own subnet has a route to the internet gateway."""
    own_routes = next((subnet.routes for subnet in vpc.subnets if subnet.id == nat.subnet_id), ())
    return any(route.cidr == "0.0.0.0/0" and route.target == vpc.internet_gateway_id for route in own_routes)


def routes(vpc: Vpc, subnet: Subnet, bridges: dict[str, str]) -> dict[str, str]:
    """The subnet's routing table: arguments for `ip route replace`, by destination. bridges: device by subnet ID.

    As on AWS, packets without a route are dropped silently.
    """
    table = {"0.0.0.0/0": "blackhole"}
    table |= dict.fromkeys(vpc.cidrs, "blackhole")
    for route in subnet.routes:
        if route.target != "local":
            out = f"via {GATEWAY_INTERNET_END} dev {GATEWAY_DEVICE} onlink"
            table[route.cidr] = out if way_out(vpc, route) else "blackhole"
    return table | {other.cidr: f"dev {bridges[other.id]}" for other in vpc.subnets}


def public_interfaces(vpc: Vpc) -> list[Interface]:
    """The interfaces with a public address of their own; a NAT gateway's address serves others."""
    return [interface for interface in vpc.interfaces if interface.public_address and interface.owner != "nat-gateway"]


def public_addresses(vpc: Vpc) -> set[str]:
    """All public addresses that are reached through this VPC's internet gateway."""
    if not vpc.internet_gateway_id:
        return set()
    own = {interface.public_address for interface in public_interfaces(vpc) if interface.public_address}
    return own | {nat.public_address for nat in vpc.nat_gateways if nat.public_address}


def translation(vpc: Vpc) -> str:
    """The VPC's address translation and the filters at its internet gateway, as one nftables transaction."""
    public = {interface.address: interface.public_address for interface in public_interfaces(vpc)}
    outward = ", ".join(f"{private} : {address}" for private, address in sorted(public.items()))
    inward = ", ".join(f"{address} : {private}" for private, address in sorted(public.items()))
    chains, gates, translations = [], [], []
    for number, subnet in enumerate(vpc.subnets):
        verdicts, sources = _leaving(vpc, subnet)
        chains.append(_chain(f"may_leave_{number}", [*verdicts, "drop"]))
        chains.append(_chain(f"source_of_{number}", sources))
        gates.append(f"{subnet.cidr} : goto may_leave_{number}")
        translations.append(f"{subnet.cidr} : goto source_of_{number}")
    out, into = f'oifname "{GATEWAY_DEVICE}"', f'iifname "{GATEWAY_DEVICE}"'
    return f"""
add table ip {NAT_TABLE}
delete table ip {NAT_TABLE}
table ip {NAT_TABLE} {{
  set has_public {{ type ipv4_addr; {_elements(", ".join(sorted(public)))} }}
  map public_of {{ type ipv4_addr : ipv4_addr; {_elements(outward)} }}
  map private_of {{ type ipv4_addr : ipv4_addr; {_elements(inward)} }}
{"".join(chains)}
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    {into} dnat to ip daddr map @private_of
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    {_by_source(out, translations)}
  }}
  chain forward {{
    type filter hook forward priority -160; policy accept;
    {into} ct state new ct status & dnat == 0 counter drop comment "only translated traffic enters"
    {out} ct state established,related accept
    {_by_source(out, gates)}
    {out} counter drop
  }}
  chain input {{
    type filter hook input priority 0; policy accept;
    {into} counter drop comment "the VPC's router is closed to the internet"
  }}
}}
"""


def _leaving(vpc: Vpc, subnet: Subnet) -> tuple[list[str], list[str]]:
    """Verdicts and source addresses for a subnet's packets that leave through the internet gateway."""
    verdicts, sources = [], []
    for route in sorted(subnet.routes, key=lambda route: -IPv4Network(route.cidr).prefixlen):
        if route.target == "local":
            continue
        out = way_out(vpc, route)
        if out == "internet-gateway":
            verdicts.append(f"ip daddr {route.cidr} ip saddr @has_public accept")
            sources.append(f"ip daddr {route.cidr} snat to ip saddr map @public_of")
        elif isinstance(out, NatGateway):
            verdicts.append(f"ip daddr {route.cidr} accept")
            sources.append(f"ip daddr {route.cidr} snat to {out.public_address}")
        verdicts.append(f"ip daddr {route.cidr} drop")
        sources.append(f"ip daddr {route.cidr} return")
    return verdicts, sources


def _by_source(condition: str, entries: list[str]) -> str:
    return f"{condition} ip saddr vmap {{ {', '.join(entries)} }}" if entries else ""


def _chain(name: str, lines: list[str]) -> str:
    return f"  chain {name} {{\n" + "".join(f"    {line}\n" for line in lines) + "  }\n"


def _elements(text: str) -> str:
    return f"elements = {{ {text} }};" if text else ""
