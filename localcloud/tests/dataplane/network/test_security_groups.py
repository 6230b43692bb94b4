"""Security groups, by packets."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from lab import PATIENCE, SILENCE, Lab, ask, ingress, publish, put_behind
from localcloud.contract.topology import Rule, Vpc
from localcloud.machine import namespaces

pytestmark = pytest.mark.cloud


def with_rules(vpc: Vpc, group_id: str, rules: tuple[Rule, ...]) -> Vpc:
    groups = tuple(replace(group, rules=rules) if group.id == group_id else group for group in vpc.groups)
    return replace(vpc, groups=groups)


def test_a_referenced_group_admits_only_its_members(vpc: Lab) -> None:
    assert vpc.ask("web1", "10.0.11.10", 5001) == "app1 10.0.1.10"
    assert vpc.ask("web2", "10.0.11.10", 5001) == "app1 10.0.1.11"
    assert vpc.ask("app1", "10.0.21.10", 5432) == "db1 10.0.11.10"
    assert vpc.drops("web1", "10.0.21.10", 5432)
    assert vpc.drops("web1", "10.0.11.10", 80)


def test_hosts_of_one_subnet_are_kept_apart_too(vpc: Lab) -> None:
    assert vpc.drops("app2", "10.0.11.10", 5001)
    rules = (*vpc.vpc.groups[1].rules, ingress(5001, group="sg-app"))
    vpc.apply(with_rules(vpc.vpc, "sg-app", rules))
    assert vpc.ask("app2", "10.0.11.10", 5001) == "app1 10.0.11.11"


def test_a_new_rule_opens_and_a_revoked_one_closes(vpc: Lab) -> None:
    before = vpc.vpc
    vpc.apply(with_rules(before, "sg-db", (ingress(5432, group="sg-web"),)))
    assert vpc.ask("web1", "10.0.21.10", 5432) == "db1 10.0.1.10"
    assert vpc.drops("app1", "10.0.21.10", 5432)
    vpc.apply(before)
    assert vpc.drops("web1", "10.0.21.10", 5432)


def test_an_open_connection_outlives_its_rule(vpc: Lab) -> None:
    with namespaces.connect(vpc.hosts["app1"].pid, "10.0.21.10", 5432, 2) as connection:
        lines = connection.makefile()
        lines.readline()
        vpc.apply(with_rules(vpc.vpc, "sg-db", ()))
        assert vpc.drops("app1", "10.0.21.10", 5432)
        connection.sendall(b"still here\n")
        assert lines.readline() == "still here\n"


def test_egress_rules_hold_a_host_back(vpc: Lab) -> None:
    assert vpc.ask("app1", "10.0.21.10", 5432) == "db1 10.0.11.10"
    no_egress = tuple(rule for rule in vpc.vpc.groups[1].rules if rule.direction == "ingress")
    vpc.apply(with_rules(vpc.vpc, "sg-app", no_egress))
    assert vpc.drops("app1", "10.0.21.10", 5432)
    assert vpc.ask("web1", "10.0.11.10", 5001) == "app1 10.0.1.10", "answers need no egress rule"
    vpc.apply(with_rules(vpc.vpc, "sg-app", (*no_egress, Rule("egress", "tcp", 5432, 5432, group_id="sg-db"))))
    assert vpc.ask("app1", "10.0.21.10", 5432) == "db1 10.0.11.10"


@pytest.mark.parametrize(
    "rule",
    [
        Rule("ingress", "-1", None, None, group_id="sg-web"),
        Rule("ingress", "tcp", 5000, 6000, cidr="10.0.1.0/24"),
        Rule("ingress", "6", 5432, 5432, cidr="10.0.1.10/32"),
        Rule("ingress", "tcp", -1, -1, group_id="sg-web"),
    ],
)
def test_the_kinds_of_rules(vpc: Lab, rule: Rule) -> None:
    vpc.apply(with_rules(vpc.vpc, "sg-db", (rule,)))
    assert vpc.ask("web1", "10.0.21.10", 5432) == "db1 10.0.1.10"
    assert vpc.drops("app1", "10.0.21.10", 5432)


def test_pings_have_rules_of_their_own(vpc: Lab) -> None:
    assert not _pings(vpc.hosts["web1"].pid, "10.0.21.10")
    vpc.apply(with_rules(vpc.vpc, "sg-db", (Rule("ingress", "tcp", 0, 65535, group_id="sg-web"),)))
    assert not _pings(vpc.hosts["web1"].pid, "10.0.21.10")
    vpc.apply(with_rules(vpc.vpc, "sg-db", (Rule("ingress", "icmp", 8, -1, group_id="sg-web"),)))
    assert _pings(vpc.hosts["web1"].pid, "10.0.21.10", PATIENCE)


def _pings(pid: int, address: str, patience: float = SILENCE) -> bool:
    """Whether an echo request from the namespace is answered."""
    with namespaces.inside(pid, lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)) as pinger:
        pinger.settimeout(patience)
        pinger.sendto(bytes.fromhex("0800f7fd00010001"), (address, 0))
        try:
            return pinger.recv(100)[20] == 0
        except TimeoutError:
            return False


def test_a_new_member_of_a_group_is_admitted_where_the_group_is(vpc: Lab) -> None:
    interfaces = tuple(
        replace(interface, group_ids=("sg-web", "sg-app")) if interface.id == "eni-web1" else interface
        for interface in vpc.vpc.interfaces
    )
    vpc.apply(replace(vpc.vpc, interfaces=interfaces))
    assert vpc.ask("web1", "10.0.21.10", 5432) == "db1 10.0.1.10"


def test_a_host_cannot_send_with_another_hosts_address(vpc: Lab) -> None:
    spoofer = vpc.hosts["web2"]
    spoofer.run("ip", "addr", "add", "10.0.11.10/32", "dev", "eth0")
    probe = ("python3", "-c", SEND_FROM_10_0_11_10)
    listener = vpc.hosts["db1"]
    vpc.apply(with_rules(vpc.vpc, "sg-db", (Rule("ingress", "udp", 53, 53, group_id="sg-app"),)))
    assert _datagrams(listener.pid, lambda: spoofer.run(*probe)) == 0
    unchecked = tuple(replace(interface, source_check=interface.id != "eni-web2") for interface in vpc.vpc.interfaces)
    vpc.apply(replace(vpc.vpc, interfaces=unchecked))
    assert _datagrams(listener.pid, lambda: spoofer.run(*probe), PATIENCE) == 1, (
        "without the source check the lie is believed"
    )


SEND_FROM_10_0_11_10 = """
import socket
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind(("10.0.11.10", 0))
sender.sendto(b"I am app1", ("10.0.21.10", 53))
"""


def _datagrams(pid: int, send: Callable[[], object], patience: float = SILENCE) -> int:
    """The number of datagrams from send() that arrive at port 53 of the namespace."""
    receiver = namespaces.inside(pid, _udp_53)
    with receiver:
        send()
        receiver.settimeout(patience)
        try:
            receiver.recv(100)
        except TimeoutError:
            return 0
        return 1


def _udp_53() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("0.0.0.0", 53))
    return made


def test_a_port_that_the_hosts_docker_publishes_is_guarded_too(vpc: Lab) -> None:
    """Docker's rules bypass a firewall in the host, but not this one."""
    container = put_behind(vpc.hosts["app1"], "container")
    container.serve(8080)
    publish(vpc.hosts["app1"], 6001, 8080)
    try:
        assert vpc.drops("web1", "10.0.11.10", 6001)
        rules = (*vpc.vpc.groups[1].rules, ingress(6001, group="sg-web"))
        vpc.apply(with_rules(vpc.vpc, "sg-app", rules))
        assert vpc.ask("web1", "10.0.11.10", 6001) == "container 10.0.1.10"
        assert ask(container.pid, "10.0.21.10", 5432) == "db1 10.0.11.10", "its way out is the host's"
    finally:
        container.close()


def test_an_address_without_an_interface_is_blocked(vpc: Lab) -> None:
    without = tuple(interface for interface in vpc.vpc.interfaces if interface.id != "eni-app1")
    assert vpc.ask("web1", "10.0.11.10", 5001) == "app1 10.0.1.10"
    vpc.apply(replace(vpc.vpc, interfaces=without))
    assert vpc.drops("web1", "10.0.11.10", 5001)
    assert vpc.drops("app1", "10.0.21.10", 5432)
