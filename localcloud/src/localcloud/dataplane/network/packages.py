"""The only outside access for hosts: Debian packages, from the machine's mirror."""

from __future__ import annotations

import logging
import socket
import threading
from ipaddress import IPv4Address, IPv4Network

from localcloud.contract.topology import Topology
from localcloud.machine.guard import PRIVATE
from localcloud.machine.images import mirror

from .network import Network

log = logging.getLogger(__name__)

REFRESH_SECONDS = 60.0


class Packages:
    """Resolves the mirror's addresses and opens the cloud's firewalls for them."""

    def __init__(self, network: Network, hosts: tuple[str, ...] | None = None) -> None:
        self._network = network
        self._hosts = mirror.of_machine().hosts if hosts is None else hosts
        self._closing = threading.Event()
        self._allowed: frozenset[str] = frozenset()
        self.addresses: dict[str, tuple[str, ...]] = {}
        threading.Thread(target=self._refresh, name="packages", daemon=True).start()

    def reconcile(self, topology: Topology) -> None:
        """Allow all addresses ever resolved: hosts may still read from an old one after a change."""
        self._allowed |= {address for found in self.addresses.values() for address in found}
        self._network.allow_mirrors(self._allowed)

    def close(self) -> None:
        self._closing.set()

    def _refresh(self) -> None:
        while not self._closing.is_set():
            found = {host: addresses for host in self._hosts if (addresses := _resolve(host))}
            if found:
                self.addresses = self.addresses | found
            self._closing.wait(REFRESH_SECONDS if found else 1)


def _resolve(host: str) -> tuple[str, ...]:
    """The public IPv4 addresses of a host, without private ones; empty if it does not resolve."""
    try:
        answers = socket.getaddrinfo(host, 80, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        log.warning("the package mirror %s does not resolve: %s", host, error)
        return ()
    addresses = sorted({str(answer[4][0]) for answer in answers})
    private = [address for address in addresses if _is_internal(IPv4Address(address))]
    if private:
        log.error("the package mirror %s has a private address (%s): hosts cannot reach it", host, ", ".join(private))
    return tuple(address for address in addresses if address not in private)


def _is_internal(address: IPv4Address) -> bool:
    return address.is_loopback or any(address in IPv4Network(network) for network in PRIVATE)
