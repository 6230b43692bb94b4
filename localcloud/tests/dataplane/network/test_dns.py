"""DNS names, resolved over the network."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import dns.message
import dns.query
import dns.rdatatype
import pytest

from lab import Lab, soon
from localcloud.contract.topology import Database, LoadBalancer
from localcloud.dataplane.network.dns import Dns
from localcloud.dataplane.network.packages import Packages
from localcloud.machine import namespaces

pytestmark = pytest.mark.cloud

VPC_RESOLVER, INTERNET_RESOLVER = "10.0.0.2", "198.18.0.2"


class Resolvers:
    """The name servers of a lab."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        packages = Packages(lab.network, hosts=())
        packages.addresses = {"deb.example.org": ("192.0.2.7", "192.0.2.8")}
        self.dns = Dns(lab.settings, lab.reality, packages)

    def reconcile(self) -> None:
        self.dns.reconcile(self.lab.topology)

    def ask(self, place: str | int, server: str, name: str) -> list[str] | str:
        """The sorted addresses, or the response code (NXDOMAIN)."""
        with namespaces.make_socket(place, socket.SOCK_DGRAM) as sock:
            answer = dns.query.udp(dns.message.make_query(name, "A"), server, timeout=3, sock=sock)
        found = [item.address for rrset in answer.answer if rrset.rdtype == dns.rdatatype.A for item in rrset]
        return sorted(found) if found else dns.rcode.to_text(answer.rcode())

    def from_host(self, name: str) -> list[str] | str:
        return self.ask(self.lab.hosts["app1"].pid, VPC_RESOLVER, name)

    def from_internet(self, name: str) -> list[str] | str:
        return self.ask(self.lab.internet, INTERNET_RESOLVER, name)


@pytest.fixture
def resolvers(vpc: Lab) -> Iterator[Resolvers]:
    made = Resolvers(vpc)
    balancers = (
        LoadBalancer("arn:web", "web", "web-1.elb.amazonaws.com", True, vpc.vpc.id, ("eni-web1",)),
        LoadBalancer("arn:app", "app", "internal-app-1.elb.amazonaws.com", False, vpc.vpc.id, ("eni-app1", "eni-app2")),
    )
    databases = (
        Database("arn:db", "us-east-1", vpc.vpc.id, "eni-db1", "db.rds.amazonaws.com", 5432, "17", "root", "x"),
    )
    vpc.topology = replace(vpc.topology, load_balancers=balancers, databases=databases)
    made.reconcile()
    yield made
    made.dns.close()


def test_load_balancers_and_databases(resolvers: Resolvers) -> None:
    for ask in (resolvers.from_host, resolvers.from_internet):
        assert ask("web-1.elb.amazonaws.com") == ["198.18.128.10"]
        assert ask("internal-app-1.elb.amazonaws.com") == ["10.0.11.10", "10.0.11.11"]
        assert ask("db.rds.amazonaws.com") == ["10.0.21.10"]


def test_private_names_resolve_inside_and_public_names_depend_on_the_client(resolvers: Resolvers) -> None:
    assert resolvers.from_host("ip-10-0-11-11.ec2.internal") == ["10.0.11.11"]
    assert resolvers.from_internet("ip-10-0-11-11.ec2.internal") == "NXDOMAIN"
    assert resolvers.from_host("ec2-198-18-128-10.compute-1.amazonaws.com") == ["10.0.1.10"]
    assert resolvers.from_internet("ec2-198-18-128-10.compute-1.amazonaws.com") == ["198.18.128.10"]


def test_package_mirrors_resolve_and_nothing_else_of_the_real_internet_does(resolvers: Resolvers) -> None:
    assert resolvers.from_host("deb.example.org") == ["192.0.2.7", "192.0.2.8"]
    assert resolvers.from_host("www.example.org") == "NXDOMAIN"
    assert resolvers.from_internet("www.example.org") == "NXDOMAIN"


def test_names_follow_changes(resolvers: Resolvers) -> None:
    lab = resolvers.lab
    lab.topology = replace(lab.topology, load_balancers=(), databases=())
    resolvers.reconcile()
    assert soon(lambda: resolvers.from_host("web-1.elb.amazonaws.com") == "NXDOMAIN")
    assert resolvers.from_host("ip-10-0-11-11.ec2.internal") == ["10.0.11.11"]


def test_a_name_server_that_died_is_started_again(resolvers: Resolvers) -> None:
    server = resolvers.dns._servers[resolvers.lab.vpc.id]
    server._process.kill()
    server._process.wait()
    resolvers.reconcile()
    assert resolvers.from_host("db.rds.amazonaws.com") == ["10.0.21.10"]


def test_a_vpcs_name_server_is_closed_to_the_outside(resolvers: Resolvers) -> None:
    assert resolvers.lab.ask_from_internet(VPC_RESOLVER, 53).startswith("unreachable")
    assert resolvers.lab.drops_from_internet("198.18.128.10", 53)
