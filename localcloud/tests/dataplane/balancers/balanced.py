"""A VPC with a load balancer in two zones, two web hosts and a client. Tests change the topology directly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab import ANYWHERE, IGW, LOCAL, OUT, PATIENCE, Host, Lab, soon
from localcloud.contract.reality import Health
from localcloud.contract.topology import (
    Action,
    HealthCheck,
    Interface,
    Listener,
    ListenerRule,
    LoadBalancer,
    Rule,
    SecurityGroup,
    Subnet,
    Target,
    TargetGroup,
    Vpc,
)
from localcloud.dataplane.balancers.loadbalancers import LoadBalancers
from localcloud.machine import namespaces

from .web import Answer, Web, get

VPC = "vpc-0000000000000001"
ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/app/50dc6c495c0c9188"
ADDRESSES = ("10.0.1.10", "10.0.2.10")
PUBLIC = "198.18.128.10"
PORT = 5000
SECONDS = 20
ALL = SecurityGroup("sg-all", "all", VPC, (ANYWHERE, Rule("ingress", "-1", None, None, cidr="0.0.0.0/0")))
CLOSED = SecurityGroup("sg-closed", "closed", VPC, (ANYWHERE,))
CHECK = HealthCheck("/readyz", "traffic-port", "HTTP", 1, 1, 2, 2, "200")


def forward(*rules: ListenerRule) -> tuple[ListenerRule, ...]:
    """The rules, then the default rule: forward to the group."""
    return (*rules, ListenerRule(50001, Action("forward", GROUP)))


def make_vpc() -> Vpc:
    web = [("one", "10.0.11.11"), ("two", "10.0.11.12"), ("client", "10.0.11.99")]
    balancer: dict[str, Any] = {"group_ids": ("sg-all",), "owner": "load-balancer", "owner_id": ARN}
    return Vpc(
        id=VPC,
        region="us-east-1",
        cidrs=("10.0.0.0/16",),
        internet_gateway_id=IGW,
        subnets=(
            Subnet("subnet-00000000000000a1", "10.0.1.0/24", "us-east-1a", (LOCAL, OUT)),
            Subnet("subnet-00000000000000a2", "10.0.2.0/24", "us-east-1b", (LOCAL, OUT)),
            Subnet("subnet-00000000000000b1", "10.0.11.0/24", "us-east-1a", (LOCAL,)),
        ),
        groups=(ALL, CLOSED),
        interfaces=(
            Interface("eni-lb1", "subnet-00000000000000a1", ADDRESSES[0], public_address=PUBLIC, **balancer),
            Interface("eni-lb2", "subnet-00000000000000a2", ADDRESSES[1], **balancer),
            *(Interface(f"eni-{name}", "subnet-00000000000000b1", address, ("sg-all",)) for name, address in web),
        ),
    )


class Balanced:
    """one and two are web servers; serve() registers targets and waits until they are healthy."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.balancers = LoadBalancers(lab.settings, lab.reality, lab.network)
        lab.apply(make_vpc())
        for interface in lab.vpc.interfaces[2:]:
            name = interface.id.removeprefix("eni-")
            lab.hosts[name] = Host(name)
            lab.network.attach(VPC, interface, lab.hosts[name].pid)
        self.one, self.two = (Web(name, lab.hosts[name].pid, PORT) for name in ("one", "two"))
        for web in (self.one, self.two):
            web.start()
        self.group = TargetGroup(GROUP, "app", VPC, CHECK)
        self.balancer = LoadBalancer(
            ARN, "web", "web.elb.amazonaws.com", True, VPC, ("eni-lb1", "eni-lb2"), (Listener("l", 80, forward()),)
        )

    def target(self, name: str, **changes: Any) -> Target:
        """The host as a target, by address, in zone us-east-1a."""
        address = {interface.id: interface.address for interface in self.lab.vpc.interfaces}[f"eni-{name}"]
        return replace(Target(f"i-{name}", PORT, address, "us-east-1a"), **changes)

    def apply(self, *targets: Target, wait: bool = True, **changes: Any) -> None:
        """Register exactly these targets. changes: fields of the group or of the load balancer."""
        of_group = {key: value for key, value in changes.items() if hasattr(self.group, key)}
        self.group = replace(self.group, targets=targets, **of_group)
        self.balancer = replace(self.balancer, **{key: changes[key] for key in changes.keys() - of_group.keys()})
        self.publish([self.balancer])
        if wait:
            reality = self.lab.reality
            assert reality.wait_for(lambda: reality.ready(ARN), SECONDS), reality.failure(ARN)

    def publish(self, balancers: list[LoadBalancer]) -> None:
        lab = self.lab
        lab.topology = replace(lab.topology, target_groups=(self.group,), load_balancers=tuple(balancers))
        self.balancers.reconcile(lab.topology)

    def serve(self, *names: str) -> None:
        """Register these hosts and wait until they are healthy."""
        self.apply(*(self.target(name) for name in names))
        for name in names:
            self.await_health(name, "healthy")

    def health(self, name: str) -> Health:
        return self.lab.reality.health(GROUP, f"i-{name}", PORT) or Health("unavailable")

    def await_heard(self, name: str) -> None:
        """Wait until only this host gets new requests."""
        soon(lambda: self.names() == {name})

    def await_health(self, name: str, state: str) -> Health:
        reached = self.lab.reality.wait_for(lambda: self.health(name).state == state, SECONDS)
        assert reached, f"{name} is {self.health(name)}, not {state}"
        return self.health(name)

    def next_health(self, name: str) -> Health:
        """Wait for the host's next health."""
        before = self.health(name)
        assert self.lab.reality.wait_for(lambda: self.health(name) != before, SECONDS), before
        return self.health(name)

    def get(self, path: str = "/", headers: dict[str, str] | None = None, address: str = ADDRESSES[0]) -> Answer:
        return get(self.lab.hosts["client"].pid, address, path, headers)

    def await_idle(self, name: str) -> None:
        """Wait until the host has no current requests."""
        haproxy = self.balancers._balancers[ARN]._haproxy
        server = ("tg-app", f"{self.target(name).address}_{PORT}")
        assert soon(lambda: haproxy.servers()[server].sessions == 0)

    def await_status(self, path: str, status: int) -> None:
        assert soon(lambda: self.get(path).status == status), self.get(path)

    def answers(self, port: int) -> bool:
        """Whether the load balancer listens on the port."""
        try:
            namespaces.connect(self.lab.hosts["client"].pid, ADDRESSES[0], port, PATIENCE).close()
        except ConnectionRefusedError:
            return False
        return True

    def names(self, count: int = 12) -> set[str]:
        """The targets that respond to this many requests."""
        return {self.get().name for _ in range(count)}

    def close(self) -> None:
        for web in (self.one, self.two):
            web.let_go.set()
            web.answers_checks.set()
            web.stop()
        self.balancers.close()
