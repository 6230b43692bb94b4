"""DNS names by address, as seen from a VPC and from the internet, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.contract.topology import Topology, Vpc
from localcloud.settings import Settings

from .metadata_paths import private_name, public_name

WHAT_IS_MY_ADDRESS = "checkip.amazonaws.com"

Names = dict[str, list[str]]


def in_vpc(vpc: Vpc, common: Names) -> Names:
    """Names by address for a VPC's name server: its own hosts resolve to private addresses."""
    found = {address: list(names) for address, names in common.items()}
    for interface in vpc.interfaces:
        name = private_name(vpc.region, interface.address)
        _add(found, interface.address, name, name.partition(".")[0])
    for interface in vpc.interfaces:
        if interface.public_address:
            name = public_name(vpc.region, interface.public_address)
            for names in found.values():
                if name in names:
                    names.remove(name)
            _add(found, interface.address, name)
    return {address: names for address, names in found.items() if names}


def everywhere(settings: Settings, topology: Topology, packages: Mapping[str, tuple[str, ...]]) -> Names:
    """Names by address in the internet: load balancers, databases, public addresses, package mirrors."""
    found: Names = {}
    interfaces = {interface.id: interface for vpc in topology.vpcs for interface in vpc.interfaces}
    for balancer in topology.load_balancers:
        for node in (interfaces[interface_id] for interface_id in balancer.interface_ids if interface_id in interfaces):
            address = node.public_address if balancer.internet_facing else node.address
            if address:
                _add(found, address, balancer.dns_name)
    for database in topology.databases:
        if database.interface_id in interfaces:
            _add(found, interfaces[database.interface_id].address, database.dns_name)
    for vpc in topology.vpcs:
        for interface in vpc.interfaces:
            if interface.public_address:
                _add(found, interface.public_address, public_name(vpc.region, interface.public_address))
    for host, addresses in packages.items():
        for address in addresses:
            _add(found, address, host)
    _add(found, str(settings.api_address), WHAT_IS_MY_ADDRESS)
    return found


def _add(found: Names, address: str, *names: str) -> None:
    known = found.setdefault(address, [])
    known += [name for name in names if name not in known]


def hosts_file(found: Names) -> str:
    """The names in the format of /etc/hosts."""
    return "".join(f"{address} {' '.join(names)}\n" for address, names in sorted(found.items()))
