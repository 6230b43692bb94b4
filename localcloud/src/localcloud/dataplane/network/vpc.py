"""A VPC: a network namespace as its router, with a bridge per subnet."""

from __future__ import annotations

import json
import logging
from ipaddress import IPv4Network

from localcloud.contract.topology import Interface, Subnet, Vpc
from localcloud.machine import namespaces
from localcloud.machine.namespaces import CommandError, announce, device, ip_batch, make_mac, nft, run_in
from localcloud.settings import Settings

from . import routing
from .firewall import rules

log = logging.getLogger(__name__)

METADATA_ADDRESS = "169.254.169.254"
RESOLVER_ALIAS = "169.254.169.253"
FIRST_TABLE = 1000
ROUTER = {
    "net.ipv4.ip_forward": 1,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv4.conf.default.send_redirects": 0,
}


class NetworkError(RuntimeError):
    """An interface cannot be attached, because its VPC or subnet is not up."""


class VpcNetwork:
    """apply() brings the namespace to a Vpc, changing only what differs from the last apply()."""

    def __init__(self, settings: Settings, vpc_id: str) -> None:
        self.namespace = settings.vpc_namespace(vpc_id)
        self.vpc: Vpc | None = None
        self._internet = settings.internet_namespace
        self._link = device("v-", vpc_id)
        self._operator = settings.operator_address
        self._bridges: dict[str, str] = {}
        self._tables: dict[str, int] = {}
        self._routes: dict[str, dict[str, str]] = {}
        self._local: set[str] = set()
        self._translation = ""
        self._linked = False
        self._public: set[str] = set()
        self._make()

    def _make(self) -> None:
        namespaces.create(self.namespace)
        namespaces.sysctl(self.namespace, ROUTER | {"net.bridge.bridge-nf-call-iptables": 1})
        # Closed until the first security groups are loaded.
        nft(self.namespace, rules(Vpc(id="", region="", cidrs=())))

    def apply(self, vpc: Vpc) -> None:
        """Apply subnets, gateway, routes and address translation. Raises CommandError."""
        self._apply_local_addresses(vpc)
        self._remove_subnets({subnet.id for subnet in vpc.subnets})
        for subnet in vpc.subnets:
            if subnet.id not in self._bridges:
                self._add_subnet(subnet)
        # Load the gateway's filters before creating the gateway.
        text = routing.translation(vpc)
        if text != self._translation:
            nft(self.namespace, text)
            self._translation = text
        if vpc.internet_gateway_id and not self._linked:
            self._link_to_internet()
        self._apply_routes(vpc)
        if not vpc.internet_gateway_id and self._linked:
            self._unlink_from_internet()
        self._apply_public_addresses(routing.public_addresses(vpc))
        self.vpc = vpc

    def close(self) -> None:
        """Remove the VPC's namespace with everything in it."""
        if self._linked:
            self._unlink_from_internet()
        namespaces.delete(self.namespace)

    # -- subnets --------------------------------------------------------------------------------------
    def _apply_local_addresses(self, vpc: Vpc) -> None:
        """Assign the addresses of the name server and the metadata service to the router."""
        wanted = {METADATA_ADDRESS, RESOLVER_ALIAS, routing.resolver_address(vpc)}
        lines = [f"addr replace {address}/32 dev lo" for address in wanted - self._local]
        lines += [f"addr del {address}/32 dev lo" for address in self._local - wanted]
        ip_batch(self.namespace, lines)
        self._local = wanted

    def _add_subnet(self, subnet: Subnet) -> None:
        bridge = device("s-", subnet.id)
        table = next(number for number in range(FIRST_TABLE, FIRST_TABLE + 1000) if number not in self._tables.values())
        router = f"{routing.gateway_address(subnet)}/{IPv4Network(subnet.cidr).prefixlen}"
        lines = [
            # A fixed MAC address: otherwise the bridge's changes with its ports, and hosts lose their router.
            f"link add {bridge} address {make_mac(subnet.id)} type bridge mcast_snooping 0",
            f"addr add {router} dev {bridge}",
            f"link set {bridge} up",
            f"rule add iif {bridge} lookup {table} priority 100",
        ]
        self._clear(bridge, table)
        ip_batch(self.namespace, lines)
        self._bridges[subnet.id], self._tables[subnet.id], self._routes[subnet.id] = bridge, table, {}

    def _remove_subnets(self, wanted: set[str]) -> None:
        for subnet_id in self._bridges.keys() - wanted:
            bridge, table = self._bridges.pop(subnet_id), self._tables.pop(subnet_id)
            self._clear(bridge, table)
            del self._routes[subnet_id]

    def _clear(self, bridge: str, table: int) -> None:
        """Remove a subnet, even one that was created only in part."""
        lines = [f"rule del iif {bridge} lookup {table}", f"route flush table {table}", f"link del {bridge}"]
        ip_batch(self.namespace, lines, force=True)

    def _apply_routes(self, vpc: Vpc) -> None:
        lines: list[str] = []
        gone: list[str] = []
        for subnet in vpc.subnets:
            table, before = self._tables[subnet.id], self._routes[subnet.id]
            wanted = routing.routes(vpc, subnet, self._bridges)
            for destination, way in wanted.items():
                if before.get(destination) != way:
                    kind, rest = ("blackhole ", "") if way == "blackhole" else ("", way)
                    lines.append(f"route replace {kind}{destination} {rest} table {table}")
            gone += [f"route del {destination} table {table}" for destination in before.keys() - wanted.keys()]
            self._routes[subnet.id] = wanted
        ip_batch(self.namespace, lines)
        ip_batch(self.namespace, gone, force=True)  # routes of a deleted bridge are gone already

    # -- internet gateway -----------------------------------------------------------------------------
    def _link_to_internet(self) -> None:
        igw = routing.GATEWAY_DEVICE
        ip_batch(self.namespace, [f"link del {igw}"], force=True)  # left by a failed attempt
        link = f"link add {igw} type veth peer name {self._link} netns {self._internet}"
        ip_batch(self.namespace, [link, f"addr add {routing.GATEWAY_VPC_END}/32 dev {igw}", f"link set {igw} up"])
        address = f"addr add {routing.GATEWAY_INTERNET_END}/32 dev {self._link}"
        ip_batch(self._internet, [address, f"link set {self._link} up"])
        self._linked = True

    def _unlink_from_internet(self) -> None:
        ip_batch(self._internet, [f"link del {self._link}"], force=True)
        self._linked = False
        self._public = set()

    def _apply_public_addresses(self, wanted: set[str]) -> None:
        out = f"via {routing.GATEWAY_VPC_END} dev {self._link} onlink src {self._operator}"
        ip_batch(self._internet, [f"route replace {address}/32 {out}" for address in sorted(wanted - self._public)])
        ip_batch(
            self._internet, [f"route del {address}/32 dev {self._link}" for address in sorted(self._public - wanted)]
        )
        self._public = wanted

    # -- interfaces -----------------------------------------------------------------------------------
    def attach(self, interface: Interface, pid: int, name: str, default_route: bool) -> None:
        """Attach a process's namespace to the interface's subnet. See Network.attach."""
        subnet = next(
            (subnet for subnet in (self.vpc.subnets if self.vpc else ()) if subnet.id == interface.subnet_id), None
        )
        if subnet is None:
            raise NetworkError(f"{interface.id}: its subnet {interface.subnet_id} is not up")
        end, mac = device("e", interface.id), interface.mac or make_mac(interface.id)
        bridge = self._bridges[subnet.id]
        if self._is_attached(end, bridge, mac, pid, name):
            return
        self.detach(interface.id)
        link = f"link add {end} type veth peer name {name} address {mac} netns {pid}"
        ip_batch(self.namespace, [link, f"link set {end} master {bridge} up"])
        route = [f"route replace default via {routing.gateway_address(subnet)} dev {name}"] if default_route else []
        prefix = IPv4Network(subnet.cidr).prefixlen
        ip_batch(
            pid, ["link set lo up", f"addr add {interface.address}/{prefix} dev {name}", f"link set {name} up", *route]
        )
        # The address may have belonged to another host until now.
        ip_batch(self.namespace, [f"neigh replace {interface.address} lladdr {mac} dev {bridge} nud stale"])
        announce(self.namespace, bridge, interface.address, mac)

    def detach(self, interface_id: str) -> None:
        """Detach the interface if it is attached."""
        ip_batch(self.namespace, [f"link del {device('e', interface_id)}"], force=True)

    def _is_attached(self, end: str, bridge: str, mac: str, pid: int, name: str) -> bool:
        """Whether this process's device is the peer of the bridge's port."""
        try:
            here = json.loads(run_in(self.namespace, "ip", "-j", "link", "show", end))[0]
            there = json.loads(run_in(pid, "ip", "-j", "link", "show", name))[0]
        except (CommandError, IndexError, json.JSONDecodeError):
            return False
        is_same_link = there.get("link_index") == here["ifindex"] and there["address"] == mac
        return is_same_link and here.get("master") == bridge and "UP" in there["flags"]
