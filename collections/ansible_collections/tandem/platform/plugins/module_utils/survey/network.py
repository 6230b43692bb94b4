"""The network of an environment: VPC, subnets, gateways, routes, endpoints, security groups."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..look import DoubledError, Look, Resources, side_by_side, tags


def network(look: Look) -> dict[str, Any]:
    """Everything in the environment's VPC, and what belongs to it before there is one (gateway, addresses)."""
    vpcs, gateways, addresses = side_by_side(
        partial(look.pages, "ec2", "describe_vpcs", "Vpcs", Filters=look.filters),
        partial(look.pages, "ec2", "describe_internet_gateways", "InternetGateways", Filters=look.filters),
        lambda: look.client("ec2").describe_addresses(Filters=look.filters)["Addresses"],
    )
    vpc = _vpc(look, vpcs)
    gateway = _internet_gateway(look, gateways)
    content = _content(look, vpc["id"]) if vpc else {kind: {} for kind in _KINDS}
    return {
        "vpc": {**vpc, **content.pop("dns", {})},
        "internet_gateway": gateway,
        "elastic_ips": _addresses(look, addresses, content.pop("nat_addresses", set())),
        **{kind: content[kind] for kind in _KINDS},
        "doubles": look.doubles,
    }


_KINDS = ("subnets", "nat_gateways", "route_tables", "endpoints", "security_groups")


def _vpc(look: Look, vpcs: list[dict[str, Any]]) -> dict[str, str]:
    """id and cidr. Of two, the one with subnets."""
    used: set[str] = set()
    if len(vpcs) > 1:
        subnets = look.pages("ec2", "describe_subnets", "Subnets", Filters=look.filters)
        used = {subnet["VpcId"] for subnet in subnets}
    named = look.named(vpcs, "VpcId", lambda vpc: vpc["VpcId"] in used)
    if len(named) > 1:
        ids = " and ".join(vpc["VpcId"] for _name, vpc in named)
        raise DoubledError(f"two VPCs have the tags Project={look.project}, Environment={look.env_name}: {ids}")
    return {"id": named[0][1]["VpcId"], "cidr": named[0][1]["CidrBlock"]} if named else {}


def _content(look: Look, vpc_id: str) -> dict[str, Any]:
    """The kinds of _KINDS in one VPC. All are read at once, then named, subnets first: others refer to them."""
    inside = [{"Name": "vpc-id", "Values": [vpc_id]}]
    subnets, nats, tables, endpoints, groups, dns = side_by_side(
        partial(look.pages, "ec2", "describe_subnets", "Subnets", Filters=inside),
        partial(look.pages, "ec2", "describe_nat_gateways", "NatGateways", Filters=inside),
        partial(look.pages, "ec2", "describe_route_tables", "RouteTables", Filters=inside),
        partial(look.pages, "ec2", "describe_vpc_endpoints", "VpcEndpoints", Filters=inside),
        partial(look.pages, "ec2", "describe_security_groups", "SecurityGroups", Filters=inside),
        partial(_dns, look, vpc_id),
    )
    return {
        "dns": dns,
        "nat_addresses": {one.get("AllocationId") for nat in nats for one in nat["NatGatewayAddresses"]},
        "subnets": {name: _subnet(item) for name, item in look.named(subnets, "SubnetId")},
        "nat_gateways": _nat_gateways(look, nats),
        "route_tables": {
            name: _route_table(look, item)
            for name, item in look.named(_own(tables), "RouteTableId", lambda table: bool(table["Associations"]))
        },
        "endpoints": _endpoints(look, endpoints),
        "security_groups": _security_groups(look, groups),
    }


def _own(tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Route tables without the VPC's main one, which stays as AWS makes it: local traffic alone."""
    return [table for table in tables if not any(a.get("Main") for a in table["Associations"])]


def _dns(look: Look, vpc_id: str) -> dict[str, bool]:
    def attribute(name: str) -> bool:
        key = name[0].upper() + name[1:]
        return look.client("ec2").describe_vpc_attribute(VpcId=vpc_id, Attribute=name)[key]["Value"]

    return {"dns_support": attribute("enableDnsSupport"), "dns_hostnames": attribute("enableDnsHostnames")}


def _subnet(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": item["SubnetId"],
        "cidr": item["CidrBlock"],
        "zone": item["AvailabilityZone"],
        "tier": tags(item).get("Tier", ""),
    }


def _internet_gateway(look: Look, gateways: list[dict[str, Any]]) -> dict[str, str]:
    """id and vpc_id (empty: attached to none). Of two, the one that is attached."""
    named = look.named(gateways, "InternetGatewayId", lambda gateway: bool(gateway.get("Attachments")))
    if not named:
        return {}
    gateway = named[0][1]
    attachments = gateway.get("Attachments") or [{}]
    return {"id": gateway["InternetGatewayId"], "vpc_id": attachments[0].get("VpcId", "")}


def _addresses(look: Look, items: list[dict[str, Any]], of_nat_gateways: set[str]) -> Resources:
    def in_use(item: dict[str, Any]) -> bool:
        return bool(item.get("AssociationId")) or item["AllocationId"] in of_nat_gateways

    return {
        name: {"id": item["AllocationId"], "address": item["PublicIp"]}
        for name, item in look.named(items, "AllocationId", in_use)
    }


def _nat_gateways(look: Look, items: list[dict[str, Any]]) -> Resources:
    """Those that are there or will be; failed and deleted ones are listed by AWS for an hour."""
    live = [item for item in items if item["State"] in ("pending", "available")]
    return {
        name: {
            "id": item["NatGatewayId"],
            "state": item["State"],
            "subnet": look.name(item["SubnetId"]),
            "address": item["NatGatewayAddresses"][0].get("PublicIp", ""),
        }
        for name, item in look.named(live, "NatGatewayId")
    }


# What a route leads to, by AWS's names.
ROUTE_TARGETS = (
    "NatGatewayId",
    "GatewayId",
    "EgressOnlyInternetGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "CarrierGatewayId",
    "LocalGatewayId",
    "CoreNetworkArn",
    "NetworkInterfaceId",
)


def _route_table(look: Look, item: dict[str, Any]) -> dict[str, Any]:
    """routes: IPv4 destination -> internet, a NAT gateway's short name, or what AWS calls the target.

    other_routes: the same for IPv6 and prefix lists, which no role wants; a gateway endpoint adds its own.
    """
    leading = [route for route in item["Routes"] if route.get("GatewayId") != "local"]
    return {
        "id": item["RouteTableId"],
        "routes": _routes(look, leading, "DestinationCidrBlock"),
        "other_routes": {
            **_routes(look, leading, "DestinationIpv6CidrBlock"),
            **_routes(look, leading, "DestinationPrefixListId"),
        },
        "subnets": look.names(a["SubnetId"] for a in item["Associations"] if "SubnetId" in a),
    }


def _routes(look: Look, routes: list[dict[str, Any]], destination: str) -> dict[str, str]:
    """Those with this kind of destination."""
    return {route[destination]: _route_target(look, route) for route in routes if route.get(destination)}


def _route_target(look: Look, route: dict[str, Any]) -> str:
    if route.get("State") == "blackhole":
        return "blackhole"
    return look.name(next((route[kind] for kind in ROUTE_TARGETS if route.get(kind)), ""))


def _endpoints(look: Look, items: list[dict[str, Any]]) -> Resources:
    live = [item for item in items if item["State"].lower() in ("pending", "available")]
    return {
        name: {
            "id": item["VpcEndpointId"],
            "service": item["ServiceName"],
            "route_tables": look.names(item.get("RouteTableIds", [])),
        }
        for name, item in look.named(live, "VpcEndpointId")
    }


def _security_groups(look: Look, items: list[dict[str, Any]]) -> Resources:
    """Groups by their names, strangers' by their identifiers, so that none takes the place of one of the environment's.

    A rule is written `tcp 5000 public_alb`: protocol, port or range, the other side.
    """
    own = [item for item in items if item["GroupName"] != "default"]
    for item in own:
        name = look.known(item["GroupName"], item["GroupId"])
        look.found[item["GroupId"]] = name if name == item["GroupId"] else name.replace("-", "_")
    return {
        look.found[item["GroupId"]]: {
            "id": item["GroupId"],
            "ingress": _rules(look, item["IpPermissions"]),
            "egress": _rules(look, item["IpPermissionsEgress"]),
        }
        for item in own
    }


def _rules(look: Look, permissions: list[dict[str, Any]]) -> list[str]:
    return sorted(
        f"{_ports(permission)} {side}" for permission in permissions for side in _other_sides(look.name, permission)
    )


def _ports(permission: dict[str, Any]) -> str:
    protocol = permission["IpProtocol"]
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if protocol == "-1" or first is None:
        return protocol
    return f"{protocol} {first}" if first == last else f"{protocol} {first}-{last}"


def _other_sides(name: Callable[[str], str], permission: dict[str, Any]) -> list[str]:
    return [
        *(name(pair["GroupId"]) for pair in permission.get("UserIdGroupPairs", [])),
        *(entry["CidrIp"] for entry in permission.get("IpRanges", [])),
        *(entry["CidrIpv6"] for entry in permission.get("Ipv6Ranges", [])),
        *(entry["PrefixListId"] for entry in permission.get("PrefixListIds", [])),
    ]
