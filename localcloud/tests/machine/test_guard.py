"""Nothing leaves the machine: each test tries to make packets leave, and checks what the guard counted."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from lab import Lab, standard_vpc
from localcloud.machine import guard, namespaces
from localcloud.machine.namespaces import run

pytestmark = pytest.mark.cloud

SOMEWHERE_PRIVATE = "172.30.99.99"


@pytest.fixture
def leaky(tmp_path: Path) -> Iterator[Lab]:
    """A cloud without the internet's own firewall, so that packets reach the guard."""
    made = Lab("tguard", tmp_path)
    try:
        namespaces.run_in(made.internet, "nft", "delete", "table", "ip", "internet")
        yield made
    finally:
        made.close()


def send(namespace: str, address: str, port: int = 9) -> None:
    """Send a datagram."""
    with namespaces.make_socket(namespace, socket.SOCK_DGRAM) as sender, suppress(OSError):
        sender.sendto(b"out", (address, port))


def test_what_comes_as_far_as_the_guard_is_dropped_and_counted(leaky: Lab) -> None:
    assert leaky.guard.leaks() == 0
    send(leaky.internet, "198.51.100.7")
    assert leaky.guard.leaks() == 1, "an address that is no package mirror's"
    namespaces.run_in(leaky.internet, "ip", "route", "del", "unreachable", "172.16.0.0/12")
    send(leaky.internet, SOMEWHERE_PRIVATE)
    assert leaky.guard.leaks() == 2, "a private address"
    leaky.guard.allow([SOMEWHERE_PRIVATE])
    send(leaky.internet, SOMEWHERE_PRIVATE, 80)
    assert leaky.guard.leaks() == 3, "a private address stays closed even as a mirror's"


def test_the_machine_itself_is_closed_to_its_guests(leaky: Lab) -> None:
    machine_end = str(next(leaky.settings.uplink_network.hosts()))
    listener = socket.create_server((machine_end, 0))
    with listener:
        send(leaky.internet, machine_end, 53)
        with pytest.raises(TimeoutError):
            namespaces.connect(leaky.internet, machine_end, listener.getsockname()[1], 0.7)
    assert leaky.guard.leaks() >= 2


def test_with_the_inner_firewall_nothing_comes_as_far(lab: Lab) -> None:
    """The twin: the same packets; the fixture checks that the guard counted none."""
    for address in ("198.51.100.7", SOMEWHERE_PRIVATE, "169.254.1.1", "100.64.0.1"):
        send(lab.internet, address)
    vpc = standard_vpc()
    lab.apply(vpc)
    lab.plug(vpc)
    for address in ("198.51.100.7", SOMEWHERE_PRIVATE, "192.168.1.1"):
        assert lab.ask("app1", address, 80).startswith("unreachable")


def test_the_machine_cannot_reach_into_a_vpc_by_mistake(lab: Lab) -> None:
    lab.apply(replace(standard_vpc(), interfaces=()))
    for address in ("10.0.1.10", "198.18.0.1"):
        with pytest.raises(OSError, match=r"unreachable|No route"):
            socket.create_connection((address, 80), 0.7)


def test_a_range_that_the_machine_needs_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = guard._needed_by_machine
    monkeypatch.setattr(
        guard, "_needed_by_machine", lambda: [*needed(), (IPv4Network("10.0.5.5")[0], "the name server")]
    )
    vpc = standard_vpc()
    lab.network.reconcile(replace(lab.topology, vpcs=(vpc,)))
    assert "10.0.0.0/16 contains 10.0.5.5, the name server of this machine" in str(lab.reality.failure(vpc.id))
    assert not namespaces.exists(lab.settings.vpc_namespace(vpc.id))


def test_the_machines_own_addresses_are_among_those_it_needs() -> None:
    found = {str(address) for address, _ in guard._needed_by_machine()}
    gateway = run("ip", "-4", "route", "show", "default").split()
    assert not gateway or gateway[2] in found


@pytest.mark.parametrize("lost", ["10.0.0.0/16", "198.18.0.0/16", "198.19.0.0/17"])
def test_a_route_that_somebody_removed_comes_back(lab: Lab, lost: str) -> None:
    """As systemd-networkd does when it starts."""
    lab.apply(replace(standard_vpc(), interfaces=()))
    number = str(guard.metric(lab.settings))
    run("ip", "route", "del", "unreachable", lost, "metric", number)
    lab.network.reconcile(lab.topology)
    assert f"metric {number}" in run("ip", "route", "show", "type", "unreachable", lost)


@pytest.mark.parametrize(("state", "asked"), [("running", True), ("not running", False)])
def test_firewalld_forwards_what_the_guard_lets_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, asked: bool
) -> None:
    """Its own chain rejects what no zone forwards, even if another table has accepted it."""
    program = tmp_path / "firewall-cmd"
    program.write_text(f'#!/bin/sh\n[ $1 = --state ] && echo {state} || echo "$@" >> {tmp_path}/calls\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    made = Lab("tgfirewalld", tmp_path)
    link = made.settings.uplink_device
    made.close()
    calls = (tmp_path / "calls").read_text().splitlines() if asked else []
    assert calls == (
        [f"--zone=trusted --change-interface={link}", f"--zone=trusted --remove-interface={link}"] if asked else []
    )
    assert (tmp_path / "calls").exists() is asked


def test_down_leaves_nothing(tmp_path: Path) -> None:
    before = _picture()
    made = Lab("tgdown", tmp_path)
    made.apply(standard_vpc())
    assert _picture() != before
    made.close()
    assert _picture() == before
    assert not made.guard.exists()


def _picture() -> list[str]:
    """Everything of this test's clouds on the machine."""
    lines = [*run("nft", "list", "tables").splitlines(), *run("ip", "route", "show").splitlines()]
    lines += [*run("ip", "-br", "link", "show").splitlines(), *namespaces.names()]
    lines += run("iptables", "-S", "DOCKER-USER", check=False).splitlines()
    mark = str(guard.metric(_settings()))
    return sorted(line for line in lines if "tgdown" in line or mark in line)


def _settings():
    from localcloud.settings import Settings

    return Settings(name="tgdown")
