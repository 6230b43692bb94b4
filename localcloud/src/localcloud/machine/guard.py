"""Keeps packets of a local cloud on the machine: unreachable routes and a firewall table, up before any bridge."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from ..settings import INTERNET, INTERNET_GATEWAY_LINKS, Settings
from .namespaces import nft, run

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")
OWN_RANGES = (INTERNET, INTERNET_GATEWAY_LINKS)
RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


class Guard:
    """The machine's side of the cloud's only link. Call up(), cover() and allow() as the cloud changes, then down()."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._covered: set[IPv4Network] = set()

    def up(self) -> None:
        """Close the machine to the cloud's ranges. Raises CommandError."""
        nft(None, _table(self._settings))
        self.cover(())
        _open_docker(self._settings)
        if _has_firewalld():
            run("firewall-cmd", "--zone=trusted", f"--change-interface={self._settings.uplink_device}")

    def down(self) -> None:
        """Remove all parts that exist."""
        _close_docker(self._settings)
        if _has_firewalld():
            run("firewall-cmd", "--zone=trusted", f"--remove-interface={self._settings.uplink_device}", check=False)
        for destination in _covered_ranges(self._settings):
            run("ip", "route", "del", "unreachable", destination, "metric", str(metric(self._settings)), check=False)
        run("nft", "delete", "table", "inet", self._settings.guard_table, check=False)

    def exists(self) -> bool:
        """Whether any part exists."""
        tables = json.loads(run("nft", "-j", "list", "tables"))["nftables"]
        names = [entry["table"]["name"] for entry in tables if "table" in entry]
        return self._settings.guard_table in names or bool(_covered_ranges(self._settings))

    def cover(self, ranges: Iterable[IPv4Network]) -> None:
        """Make these VPC ranges (and the cloud's own) unreachable from the machine, and no others.

        Checks the actual routes each time, because systemd-networkd removes foreign routes when it starts.
        """
        wanted = {*OWN_RANGES, *ranges}
        existing = {IPv4Network(destination) for destination in _covered_ranges(self._settings)}
        number = str(metric(self._settings))
        for network in wanted - existing:
            run("ip", "route", "replace", "unreachable", str(network), "metric", number)
        for network in existing - wanted:
            run("ip", "route", "del", "unreachable", str(network), "metric", number)
        if wanted != self._covered:
            merged = ", ".join(str(network) for network in sorted(wanted))
            table = f"inet {self._settings.guard_table}"
            nft(None, f"flush set {table} ranges\nadd element {table} ranges {{ {merged} }}\n")
        self._covered = wanted

    def refusal(self, network: IPv4Network) -> str | None:
        """Why a VPC cannot use this range (it contains an address that the machine needs), or None."""
        for address, what in _needed_by_machine():
            if address in network:
                return f"{network} contains {address}, {what} of this machine; choose another range for the VPC"
        return None

    def allow(self, mirrors: Iterable[str]) -> None:
        """Let guests reach only these package mirrors (TCP 80 and 443)."""
        table = f"inet {self._settings.guard_table}"
        addresses = ", ".join(sorted(set(mirrors)))
        filled = f"add element {table} mirrors {{ {addresses} }}\n" if addresses else ""
        nft(None, f"flush set {table} mirrors\n{filled}")

    def leaks(self) -> int:
        """The number of packets that tried to leave and were dropped. Should be 0."""
        listed = json.loads(run("nft", "-j", "list", "counter", "inet", self._settings.guard_table, "leaks"))
        return sum(entry["counter"]["packets"] for entry in listed["nftables"] if "counter" in entry)


def metric(settings: Settings) -> int:
    """The metric that marks this cloud's unreachable routes, derived from its name so that a sweep can find them."""
    return 0x40000000 | (zlib.crc32(settings.name.encode()) & 0x3FFFFFFF)


def _table(settings: Settings) -> str:
    table, link = settings.guard_table, settings.uplink_device
    return f"""
add table inet {table}
delete table inet {table}
table inet {table} {{
  counter leaks {{ }}
  set ranges {{ type ipv4_addr; flags interval; auto-merge; }}
  set mirrors {{ type ipv4_addr; }}
  chain forward {{
    type filter hook forward priority -300; policy accept;
    iifname "{link}" ip daddr {{ {", ".join(PRIVATE)} }} counter name leaks drop
    iifname "{link}" ip daddr @ranges counter name leaks drop
    iifname "{link}" ip daddr @mirrors tcp dport {{ 80, 443 }} accept
    iifname "{link}" counter name leaks drop
    oifname "{link}" ct state established,related accept
    oifname "{link}" drop comment "no connections from outside"
  }}
  chain input {{
    type filter hook input priority -300; policy accept;
    iifname "{link}" ct state established,related accept
    iifname "{link}" counter name leaks drop
  }}
  chain output {{
    type filter hook output priority -300; policy accept;
    oifname != {{ "lo", "{link}" }} ip daddr @ranges counter name leaks drop
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {settings.uplink_network} oifname != "{link}" masquerade
  }}
}}
"""


def _docker_rules(settings: Settings) -> list[list[str]]:
    """Docker drops unknown traffic in FORWARD, so accept what the guard's table has let through."""
    mark = ["-m", "comment", "--comment", f"localcloud:{settings.name}", "-j", "ACCEPT"]
    link = settings.uplink_device
    return [["-i", link, *mark], ["-o", link, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", *mark]]


def _open_docker(settings: Settings) -> None:
    _close_docker(settings)
    if _docker_chain():
        for rule in _docker_rules(settings):
            run("iptables", "-w", "-I", "DOCKER-USER", *rule)


def _close_docker(settings: Settings) -> None:
    mark = f"localcloud:{settings.name}"
    for line in _docker_chain():
        words = line.replace('"', "").split()
        if mark in words:
            run("iptables", "-w", "-D", *words[1:], check=False)


def _docker_chain() -> list[str]:
    """The rules of Docker's user chain, as `iptables -S` prints them; empty without such a chain."""
    if not shutil.which("iptables"):
        return []
    return run("iptables", "-w", "-S", "DOCKER-USER", check=False).splitlines()


def _has_firewalld() -> bool:
    """firewalld rejects traffic outside its zones, so the uplink must be in the zone `trusted`."""
    return bool(shutil.which("firewall-cmd")) and run("firewall-cmd", "--state", check=False).strip() == "running"


def _covered_ranges(settings: Settings) -> list[str]:
    routes = json.loads(run("ip", "-j", "route", "show", "type", "unreachable", "table", "main") or "[]")
    return [route["dst"] for route in routes if route.get("metric") == metric(settings)]


def _needed_by_machine() -> list[tuple[IPv4Address, str]]:
    """Addresses of the machine's interfaces, gateways and name servers, each with its role."""
    needed = []
    for link in json.loads(run("ip", "-j", "-4", "addr", "show")):
        if link["ifname"] != "lo" and not link["ifname"].startswith("lc"):
            needed += [(IPv4Address(entry["local"]), f"the address of {link['ifname']}") for entry in link["addr_info"]]
    for route in json.loads(run("ip", "-j", "-4", "route", "show", "default")):
        if "gateway" in route:
            needed.append((IPv4Address(route["gateway"]), "the gateway"))
    for file in RESOLVERS:
        for line in file.read_text().splitlines() if file.is_file() else ():
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver" and words[1].count(".") == 3:
                needed.append((IPv4Address(words[1]), "the name server"))
    return needed
