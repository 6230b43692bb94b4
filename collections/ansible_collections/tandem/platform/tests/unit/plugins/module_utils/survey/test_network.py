"""The network as a survey tells it."""

from __future__ import annotations

from ansible_collections.tandem.platform.plugins.module_utils.look import Look
from ansible_collections.tandem.platform.plugins.module_utils.survey import network


def test_routes_beyond_ipv4_are_told_apart() -> None:
    """No role wants them, so that what a role compares stays as it is."""
    routes = [
        {"DestinationCidrBlock": "10.1.0.0/16", "GatewayId": "local"},
        {"DestinationCidrBlock": "0.0.0.0/0", "InstanceId": "i-1", "NetworkInterfaceId": "eni-1", "State": "active"},
        {"DestinationCidrBlock": "10.2.0.0/16", "NatGatewayId": "nat-1", "State": "blackhole"},
        {"DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1"},
        {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"},
    ]
    environment = Look(lambda _service: None, "tt", "xx", {"igw-1": "internet"})
    told = network._route_table(environment, {"RouteTableId": "rtb-1", "Associations": [], "Routes": routes})
    assert told["routes"] == {"0.0.0.0/0": "eni-1", "10.2.0.0/16": "blackhole"}
    assert told["other_routes"] == {"::/0": "internet", "pl-1": "vpce-1"}
