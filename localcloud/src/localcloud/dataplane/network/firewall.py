"""Security groups, enforced outside the hosts: one nftables transaction per VPC, in the VPC's namespace."""

from __future__ import annotations

import logging

from localcloud.contract.reality import Reality
from localcloud.contract.topology import Interface, Rule, SecurityGroup, Topology, Vpc
from localcloud.machine import namespaces
from localcloud.machine.namespaces import CommandError, device, make_mac, nft
from localcloud.settings import Settings

from .routing import GATEWAY_DEVICE

log = logging.getLogger(__name__)

# A rule may name its protocol by number.
NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp"}


class Firewall:
    """Keeps each VPC's rules equal to its security groups. Needs the VPC's namespace (see network.Network)."""

    def __init__(self, settings: Settings, reality: Reality) -> None:
        self._settings = settings
        self._reality = reality
        self._loaded: dict[str, str] = {}

    def reconcile(self, topology: Topology) -> None:
        """Load the rules of changed VPCs. As on AWS, open connections stay open."""
        for vpc in topology.vpcs:
            namespace = self._settings.vpc_namespace(vpc.id)
            if not namespaces.exists(namespace):
                continue
            text = rules(vpc)
            if self._loaded.get(vpc.id) != text:
                try:
                    nft(namespace, text)
                    self._loaded[vpc.id] = text
                except CommandError as error:
                    log.exception("security groups of %s", vpc.id)
                    self._reality.set_failed(f"{vpc.id}/security-groups", str(error))
        for vpc_id in self._loaded.keys() - {vpc.id for vpc in topology.vpcs}:
            del self._loaded[vpc_id]

    def close(self) -> None:
        """Nothing to do: the rules are removed with the VPC's namespace."""


def rules(vpc: Vpc) -> str:
    """The VPC's security groups and source check, as one nftables transaction that replaces the former rules.

    Packets must pass the sender's egress rules and the receiver's ingress rules; addresses without an interface pass
    neither. This includes packets within a subnet (bridge-nf-call-iptables).
    """
    groups = {group.id: group for group in vpc.groups}
    sets = "".join(_members(vpc, group) for group in vpc.groups)
    chains = "".join(_group_chains(group, groups) for group in vpc.groups)
    interfaces = "".join(_interface_chains(interface, groups) for interface in vpc.interfaces)
    return f"""
add table inet security_groups
delete table inet security_groups
table inet security_groups {{
{sets}{chains}{interfaces}
  chain egress {{
    type filter hook forward priority -151; policy drop;
    iifname "{GATEWAY_DEVICE}" accept
    ct state established,related accept
    {_verdicts("saddr", "egress", vpc.interfaces)}
  }}
  chain ingress {{
    type filter hook forward priority -150; policy drop;
    oifname "{GATEWAY_DEVICE}" accept
    ct state established,related accept
    {_verdicts("daddr", "ingress", vpc.interfaces)}
  }}
}}
{_source_check(vpc.interfaces)}"""


def _source_check(interfaces: tuple[Interface, ...]) -> str:
    """Interfaces may only send IPv4 and ARP, from their own MAC and IPv4 address."""
    checked = [
        f"{_port(interface)} . {_mac(interface)} . {interface.address}"
        for interface in interfaces
        if interface.source_check
    ]
    free = [f"{_port(interface)} . {_mac(interface)}" for interface in interfaces if not interface.source_check]
    return f"""
add table bridge sources
delete table bridge sources
table bridge sources {{
  set own {{ type ifname . ether_addr . ipv4_addr; {_elements(checked)} }}
  set free {{ type ifname . ether_addr; {_elements(free)} }}
  chain prerouting {{
    type filter hook prerouting priority -300; policy drop;
    ether type ip iifname . ether saddr . ip saddr @own accept
    ether type arp iifname . ether saddr . arp saddr ip @own accept
    ether type {{ ip, arp }} iifname . ether saddr @free accept
    counter drop
  }}
}}
"""


def _members(vpc: Vpc, group: SecurityGroup) -> str:
    addresses = [interface.address for interface in vpc.interfaces if group.id in interface.group_ids]
    return f"  set members_{group.id} {{ type ipv4_addr; {_elements(addresses)} }}\n"


def _group_chains(group: SecurityGroup, groups: dict[str, SecurityGroup]) -> str:
    chains = ""
    for way in ("egress", "ingress"):
        lines = [_rule(rule, groups) for rule in group.rules if rule.direction == way]
        chains += _chain(f"{way}_{group.id}", [line for line in lines if line])
    return chains


def _interface_chains(interface: Interface, groups: dict[str, SecurityGroup]) -> str:
    return "".join(
        _chain(
            f"{way}_{interface.id}",
            [*[f"jump {way}_{group_id}" for group_id in interface.group_ids if group_id in groups], "counter drop"],
        )
        for way in ("egress", "ingress")
    )


def _rule(rule: Rule, groups: dict[str, SecurityGroup]) -> str:
    """A rule in nftables syntax; empty if it matches nothing here (IPv6, a group of another VPC)."""
    side = "saddr" if rule.direction == "ingress" else "daddr"
    if rule.group_id:
        if rule.group_id not in groups:
            return ""
        peer = f"ip {side} @members_{rule.group_id} "
    elif rule.cidr and ":" not in rule.cidr:
        peer = "" if rule.cidr == "0.0.0.0/0" else f"ip {side} {rule.cidr} "
    else:
        return ""
    return f"{peer}{_protocol(rule)}accept"


def _protocol(rule: Rule) -> str:
    """The rule's protocol and ports (for icmp: type and code, -1 for any)."""
    protocol = NUMBERS.get(rule.protocol, rule.protocol)
    if protocol == "-1":
        return "meta nfproto ipv4 "
    everything = rule.from_port in (None, -1)
    if protocol == "icmp":
        code = "" if rule.to_port in (None, -1) else f"icmp code {rule.to_port} "
        return "ip protocol icmp " if everything else f"icmp type {rule.from_port} {code}"
    if protocol in ("tcp", "udp"):
        return f"{protocol} dport {0 if everything else rule.from_port}-{65535 if everything else rule.to_port} "
    return f"ip protocol {protocol} "


def _verdicts(side: str, way: str, interfaces: tuple[Interface, ...]) -> str:
    entries = [f"{interface.address} : goto {way}_{interface.id}" for interface in interfaces]
    return f"ip {side} vmap {{ {', '.join(entries)} }}" if entries else ""


def _chain(name: str, lines: list[str]) -> str:
    return f"  chain {name} {{\n" + "".join(f"    {line}\n" for line in lines) + "  }\n"


def _elements(entries: list[str]) -> str:
    return f"elements = {{ {', '.join(entries)} }};" if entries else ""


def _port(interface: Interface) -> str:
    return f'"{device("e", interface.id)}"'


def _mac(interface: Interface) -> str:
    return interface.mac or make_mac(interface.id)
