"""The local port that is forwarded to the first internet-facing load balancer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab import Lab
from localcloud.contract.topology import Action, Listener, ListenerRule, LoadBalancer
from localcloud.dataplane.network.port_forward import PortForward, PortForwardError

pytestmark = pytest.mark.cloud


@pytest.fixture
def port_forward(vpc: Lab) -> Iterator[PortForward]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    vpc.settings = replace(vpc.settings, http_port=port)
    made = PortForward(vpc.settings)
    yield made
    made.close()


def ask(lab: Lab) -> str:
    with socket.create_connection(("127.0.0.1", lab.settings.http_port), 5) as connection:
        connection.sendall(b"echo\n")
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile().read()


def balancer(name: str, internet_facing: bool, interface: str) -> LoadBalancer:
    rule = ListenerRule(0, Action("fixed-response", status=200))
    listeners = (Listener(f"arn:{name}:80", 80, (rule,)),)
    return LoadBalancer(
        f"arn:{name}", name, f"{name}.elb.amazonaws.com", internet_facing, "vpc", (interface,), listeners
    )


def test_it_leads_to_the_internet_facing_load_balancer(vpc: Lab, port_forward: PortForward) -> None:
    balancers = (balancer("inner", False, "eni-app1"), balancer("outer", True, "eni-web1"))
    port_forward.reconcile(replace(vpc.topology, load_balancers=balancers))
    assert ask(vpc) == "web1 198.18.0.20\necho\n"


def test_without_a_load_balancer_it_returns_503(vpc: Lab, port_forward: PortForward) -> None:
    port_forward.reconcile(replace(vpc.topology, load_balancers=(balancer("inner", False, "eni-app1"),)))
    assert ask(vpc).startswith("HTTP/1.1 503 ")


def test_a_port_that_is_taken(vpc: Lab, port_forward: PortForward) -> None:
    with pytest.raises(PortForwardError, match=f"cannot listen on port {vpc.settings.http_port} .* --port"):
        PortForward(vpc.settings)
