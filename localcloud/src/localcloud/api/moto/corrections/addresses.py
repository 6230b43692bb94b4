"""Corrections to addresses: private ones are in their subnet, public ones in the cloud's range."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

from moto.ec2.models import elastic_ip_addresses, elastic_network_interfaces, nat_gateways
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.subnets import Subnet

from localcloud.api.errors import AwsError
from localcloud.settings import PUBLIC_ADDRESSES

from ..moto_state import ec2_regions
from ..patching import replace
from .attachments import attach

RESERVED_AT_START = 4  # network, router, DNS and one for later use; the last address is the broadcast address


def free_address(subnet: Any) -> str:
    """The lowest free address of the subnet.

    Raises AwsError InsufficientFreeAddressesInSubnet.
    """
    taken = addresses_in(subnet)
    network = IPv4Network(subnet.cidr_block)
    for number in range(RESERVED_AT_START, network.num_addresses - 1):
        address = str(network[number])
        if address not in taken:
            return address
    raise AwsError(
        "InsufficientFreeAddressesInSubnet",
        f"The subnet {subnet.id} has not enough free addresses to satisfy the request.",
    )


def addresses_in(subnet: Any) -> set[str]:
    """The private addresses of all interfaces in the subnet."""
    return {
        address["PrivateIpAddress"]
        for interface in subnet.ec2_backend.enis.values()
        if interface.subnet.id == subnet.id
        for address in interface.private_ip_addresses
    }


_numbers = itertools.cycle(range(10, PUBLIC_ADDRESSES.num_addresses - 1))


def public_address() -> str:
    """A public address that is not in use."""
    taken = set(_public_addresses())
    return next(address for n in _numbers if (address := str(PUBLIC_ADDRESSES[n])) not in taken)


def _public_addresses() -> Iterator[str]:
    for backend in ec2_regions().values():
        yield from (elastic.public_ip for elastic in backend.addresses)
        yield from (interface.public_ip for interface in backend.enis.values() if interface.public_ip)


def private_addresses() -> None:
    """Every interface gets a free address of its subnet. For the data plane, which needs unique addresses."""

    def available(self: Any, instance: Any) -> str:
        address = free_address(self)
        self._subnet_ips[address] = instance
        return address

    replace(Subnet, get_available_subnet_ip=available)
    original = NetworkInterface.__init__

    def init(
        self: Any,
        ec2_backend: Any,
        subnet: Any,
        private_ip_address: Any,
        private_ip_addresses: Any = None,
        **kwargs: Any,
    ) -> None:
        if not private_ip_address and not private_ip_addresses:
            private_ip_address = free_address(ec2_backend.get_subnet(subnet) if isinstance(subnet, str) else subnet)
        original(self, ec2_backend, subnet, private_ip_address, private_ip_addresses, **kwargs)

    replace(NetworkInterface, __init__=init)


def nat_gateway_interface() -> None:
    """A NAT gateway's interface has an address in its subnet and shows its owner. For ec2_vpc_nat_gateway_info and the
    data plane (otherwise the address is random and outside the VPC)."""
    replace(nat_gateways, random_private_ip=lambda: "")
    original = nat_gateways.NatGateway.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        interface = self._eni
        self.private_ip = interface.private_ip_address
        interface.description = f"Interface for NAT Gateway {self.id}"
        interface.interface_type = "nat_gateway"
        interface.requester_managed = True
        interface.status = "in-use"
        interface.source_dest_check = False
        interface._group_set = []
        interface.manager = self.id
        attach(interface, "amazon-aws")

    replace(nat_gateways.NatGateway, __init__=init)


def public_addresses() -> None:
    """Elastic and public addresses are in the cloud's public range. For the data plane (otherwise they are random)."""
    replace(elastic_ip_addresses, random_ip=public_address)
    replace(elastic_network_interfaces, random_public_ip=public_address)


ALL = (private_addresses, nat_gateway_interface, public_addresses)
