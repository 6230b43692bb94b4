"""VPCs and the simulated internet between them: namespaces, subnets, route tables, gateways, public addresses."""

from __future__ import annotations

import logging
import threading
from ipaddress import IPv4Network

from localcloud.contract.reality import Reality
from localcloud.contract.topology import Interface, Topology, Vpc
from localcloud.machine import namespaces
from localcloud.machine.guard import PRIVATE, Guard
from localcloud.machine.namespaces import CommandError, ip_batch, nft, run
from localcloud.machine.uplink import alias, disable_ipv6, own_links, uplink_mtu
from localcloud.settings import INTERNET, Settings

from .vpc import ROUTER, NetworkError, VpcNetwork

log = logging.getLogger(__name__)

UPLINK = "uplink"


class Network:
    """Creates the internet at once; VPCs follow the topology. attach() connects a container to a subnet."""

    def __init__(self, settings: Settings, reality: Reality, guard: Guard) -> None:
        self._settings = settings
        self._reality = reality
        self._guard = guard
        self._vpcs: dict[str, VpcNetwork] = {}
        self._plugged: dict[str, str] = {}
        self._lock = threading.RLock()
        self._mirrors: frozenset[str] | None = None
        self._make_internet()

    def reconcile(self, topology: Topology) -> None:
        """Create, change and remove VPCs. A failure is reported under the VPC's ID and does not affect others."""
        with self._lock:
            wanted = {vpc.id: vpc for vpc in topology.vpcs if self._is_possible(vpc)}
            for vpc_id in self._vpcs.keys() - wanted.keys():
                self._remove(vpc_id)
            self._guard.cover({IPv4Network(cidr) for vpc in wanted.values() for cidr in vpc.cidrs})
            for vpc in wanted.values():
                self._apply(vpc)

    def attach(
        self, vpc_id: str, interface: Interface, pid: int, device: str = "eth0", default_route: bool = True
    ) -> None:
        """Give the process's network namespace a device in the interface's subnet. Idempotent.

        Raises NetworkError while the VPC or the subnet is not up, CommandError if the kernel refuses.
        """
        with self._lock:
            if vpc_id not in self._vpcs:
                raise NetworkError(f"{interface.id}: its VPC {vpc_id} is not up")
            self._plugged[interface.id] = vpc_id
            self._vpcs[vpc_id].attach(interface, pid, device, default_route)

    def detach(self, interface_id: str) -> None:
        """Detach the interface if it is attached.

        Needed even after its container is gone, because the kernel removes the network later and answers until then.
        """
        with self._lock:
            vpc_id = self._plugged.pop(interface_id, "")
            if vpc_id in self._vpcs:
                self._vpcs[vpc_id].detach(interface_id)

    def allow_mirrors(self, addresses: frozenset[str]) -> None:
        """Let guests and the operator reach only these package mirrors in the real internet."""
        with self._lock:
            if addresses != self._mirrors:
                self._guard.allow(addresses)
                nft(self._settings.internet_namespace, _internet_table(addresses))
                self._mirrors = addresses

    def close(self) -> None:
        with self._lock:
            for vpc_id in list(self._vpcs):
                self._remove(vpc_id)
            for link in own_links(self._settings):
                run("ip", "link", "del", link, check=False)
            namespaces.delete(self._settings.internet_namespace)

    def _is_possible(self, vpc: Vpc) -> bool:
        """Whether the machine can spare the VPC's ranges; if not, the VPC is reported as failed."""
        for cidr in vpc.cidrs:
            if vpc.id not in self._vpcs and (refusal := self._guard.refusal(IPv4Network(cidr))):
                if self._reality.failure(vpc.id) != refusal:
                    log.error("%s: %s", vpc.id, refusal)
                self._reality.set_failed(vpc.id, refusal)
                return False
        return True

    def _apply(self, vpc: Vpc) -> None:
        try:
            if vpc.id not in self._vpcs:
                self._vpcs[vpc.id] = VpcNetwork(self._settings, vpc.id)
            network = self._vpcs[vpc.id]
            if network.vpc != vpc:
                before = {nat.id for nat in network.vpc.nat_gateways} if network.vpc else set()
                network.apply(vpc)
                for nat_id in before - {nat.id for nat in vpc.nat_gateways}:
                    self._reality.set_gone(nat_id)
            for resource in (vpc.id, *[nat.id for nat in vpc.nat_gateways]):
                if not self._reality.ready(resource):
                    self._reality.set_ready(resource)
        except CommandError as error:
            log.exception("%s", vpc.id)
            self._reality.set_failed(vpc.id, str(error))

    def _remove(self, vpc_id: str) -> None:
        try:
            self._vpcs.pop(vpc_id).close()
        except CommandError:
            log.exception("removing %s", vpc_id)
        self._reality.set_gone(vpc_id)

    def _make_internet(self) -> None:
        settings = self._settings
        internet, link = settings.internet_namespace, settings.uplink_device
        machine_end, internet_end = list(settings.uplink_network.hosts())
        mtu = uplink_mtu()
        namespaces.create(internet)
        namespaces.sysctl(internet, ROUTER)
        self.allow_mirrors(frozenset())
        own = (settings.api_address, settings.resolver_address, settings.operator_address, settings.visitor_address)
        for left in own_links(settings):
            run("ip", "link", "del", left)
        run("ip", "link", "add", link, "mtu", str(mtu), "type", "veth", "peer", "name", UPLINK, "netns", internet)
        run("ip", "link", "set", link, "alias", alias(settings))
        disable_ipv6(link)
        run("ip", "addr", "add", f"{machine_end}/30", "dev", link)
        run("ip", "link", "set", link, "up")
        ip_batch(internet, [
            f"link set {UPLINK} mtu {mtu} up",
            f"addr add {internet_end}/30 dev {UPLINK}",
            *[f"addr add {address}/32 dev lo" for address in own],
            # Local connections to the API must come from the operator's address, not from the API's own.
            *[f"route replace local {address} dev lo table local scope host src {settings.operator_address}"
              for address in own if address != settings.visitor_address],
            *[f"route add unreachable {network}" for network in (*PRIVATE, INTERNET.supernet())],
            f"route add default via {machine_end} src {settings.operator_address}",
        ])  # fmt: skip


def _internet_table(mirrors: frozenset[str]) -> str:
    """The simulated internet's only way out, to the package mirrors; anything else is rejected."""
    out = f'oifname "{UPLINK}"'
    elements = f"elements = {{ {', '.join(sorted(mirrors))} }};" if mirrors else ""
    gate = f"""{out} ip daddr @mirrors tcp dport {{ 80, 443 }} accept
    {out} ct state established,related accept
    {out} counter reject with icmp admin-prohibited"""
    return f"""
add table ip internet
delete table ip internet
table ip internet {{
  set mirrors {{ type ipv4_addr; {elements} }}
  chain forward {{
    type filter hook forward priority 0; policy accept;
    {out} tcp flags syn tcp option maxseg size set rt mtu
    {gate}
  }}
  chain output {{
    type filter hook output priority 0; policy accept;
    {gate}
  }}
  chain input {{
    type filter hook input priority 0; policy accept;
    iifname "{UPLINK}" ct state != {{ established, related }} drop
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    {out} masquerade
  }}
}}
"""
