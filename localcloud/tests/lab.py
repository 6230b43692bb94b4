"""Real packets for tests: a hand-made topology, network namespaces as hosts, and TCP between them."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from localcloud.contract.reality import Reality
from localcloud.contract.topology import Interface, NatGateway, Route, Rule, SecurityGroup, Subnet, Topology, Vpc
from localcloud.dataplane.network.firewall import Firewall
from localcloud.dataplane.network.network import Network
from localcloud.machine import namespaces
from localcloud.machine.guard import Guard
from localcloud.settings import Settings

PATIENCE = 10.0  # seconds to wait for an expected answer, on a busy machine
SILENCE = 0.7  # seconds without an answer after which a connection counts as dropped

COUNTED: list[int] = []  # packets that tried to leave, per cloud of this run

ANYWHERE = Rule("egress", "-1", None, None, cidr="0.0.0.0/0")
IGW = "igw-0000000000000001"
NAT = "nat-0000000000000001"
NAT_PUBLIC = "198.18.128.99"
LOCAL = Route("10.0.0.0/16", "local")
OUT = Route("0.0.0.0/0", IGW)


def soon(condition: Callable[[], object], seconds: float = 90) -> bool:
    """Whether the condition becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def ingress(port: int, cidr: str | None = None, group: str | None = None) -> Rule:
    return Rule("ingress", "tcp", port, port, cidr=cidr, group_id=group)


def standard_vpc() -> Vpc:
    """Public, private (out by a NAT gateway) and isolated subnets; groups web, app and db that refer to one another."""
    return Vpc(
        id="vpc-0000000000000001",
        region="us-east-1",
        cidrs=("10.0.0.0/16",),
        internet_gateway_id=IGW,
        subnets=(
            Subnet("subnet-00000000000000a1", "10.0.1.0/24", "us-east-1a", (LOCAL, OUT)),
            Subnet("subnet-00000000000000b1", "10.0.11.0/24", "us-east-1a", (LOCAL, Route("0.0.0.0/0", NAT))),
            Subnet("subnet-00000000000000c1", "10.0.21.0/24", "us-east-1a", (LOCAL,)),
        ),
        groups=(
            SecurityGroup("sg-web", "web", "vpc-0000000000000001", (ANYWHERE, ingress(80, cidr="0.0.0.0/0"))),
            SecurityGroup("sg-app", "app", "vpc-0000000000000001", (ANYWHERE, ingress(5001, group="sg-web"))),
            SecurityGroup("sg-db", "db", "vpc-0000000000000001", (ingress(5432, group="sg-app"),)),
        ),
        interfaces=(
            Interface("eni-web1", "subnet-00000000000000a1", "10.0.1.10", ("sg-web",), "198.18.128.10"),
            Interface("eni-web2", "subnet-00000000000000a1", "10.0.1.11", ("sg-web",)),
            Interface("eni-app1", "subnet-00000000000000b1", "10.0.11.10", ("sg-app",)),
            Interface("eni-app2", "subnet-00000000000000b1", "10.0.11.11", ("sg-app",)),
            Interface("eni-db1", "subnet-00000000000000c1", "10.0.21.10", ("sg-db",)),
        ),
        nat_gateways=(NatGateway(NAT, "subnet-00000000000000a1", "10.0.1.200", NAT_PUBLIC),),
    )


def serve(listener: socket.socket, name: str) -> None:
    """Answer every connection with the name and the client's address, then echo; until the listener is closed."""

    def accept() -> None:
        while True:
            try:
                connection, client = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection, client[0]), daemon=True).start()

    def answer(connection: socket.socket, client: str) -> None:
        with connection, suppress(OSError):
            connection.sendall(f"{name} {client}\n".encode())
            while received := connection.recv(100):
                connection.sendall(received)

    threading.Thread(target=accept, daemon=True).start()


class Host:
    """A network namespace (of a sleeping process) that acts as a host and returns its name on the ports it serves."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity"], stdout=subprocess.PIPE
        )
        assert self._process.stdout
        self._process.stdout.readline()
        self.pid = self._process.pid
        self._listeners: list[socket.socket] = []

    def serve(self, port: int) -> None:
        """Serve the port with serve()."""
        self._listeners.append(namespaces.listen(self.pid, "0.0.0.0", port))
        serve(self._listeners[-1], self.name)

    def run(self, *command: str) -> str:
        return namespaces.run_in(self.pid, *command)

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._process.kill()
        self._process.wait()


def put_behind(host: Host, name: str) -> Host:
    """A namespace behind the host, like a Docker container: forwarded, with masquerading."""
    inner = Host(name)
    host.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    lines = [f"link add docker0 type veth peer name eth0 netns {inner.pid}"]
    namespaces.ip_batch(host.pid, [*lines, "addr add 172.17.0.1/16 dev docker0", "link set docker0 up"])
    lines = ["addr add 172.17.0.2/16 dev eth0", "link set eth0 up", "route add default via 172.17.0.1"]
    namespaces.ip_batch(inner.pid, lines)
    masquerade = "chain post { type nat hook postrouting priority 100; oifname eth0 masquerade; }"
    namespaces.nft(host.pid, f"table ip nat {{\n {masquerade}\n}}\n")
    return inner


def publish(host: Host, port: int, inner_port: int) -> None:
    """Publish a port of the container behind the host, like `docker run --publish`."""
    chain = f"chain pre {{ type nat hook prerouting priority -100; tcp dport {port} dnat to 172.17.0.2:{inner_port}; }}"
    namespaces.nft(host.pid, f"table ip published {{\n {chain}\n}}\n")


def ask(namespace: str | int, address: str, port: int, source: str | None = None, patience: float = PATIENCE) -> str:
    """The result of a connection from the namespace: a line of response, or dropped, refused or unreachable."""
    try:
        with namespaces.connect(namespace, address, port, patience, source) as connection:
            return connection.makefile().readline().strip()
    except TimeoutError:
        return "dropped"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return f"unreachable ({error.strerror})"


def device_names(namespace: str) -> list[str]:
    """The network devices of a namespace."""
    listed = namespaces.run_in(namespace, "ip", "-br", "link").splitlines()
    return [line.split()[0].partition("@")[0] for line in listed]


def count(leaked: int) -> None:
    """Record a guard's count. Fails if packets tried to leave."""
    COUNTED.append(leaked)
    assert leaked == 0, f"{leaked} packets tried to leave the machine"


def free_slot() -> int:
    """A slot that is not in use, also not by leftovers of a killed test. Each worker of a run has its own slots."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    taken = namespaces.run("ip", "-br", "link") + namespaces.run("nft", "list", "ruleset")
    return next(slot for slot in range(15 - worker, -1, -workers) if f"lc{slot}-uplink" not in taken)


class Lab:
    """A cloud without an API: the network and firewall of a hand-made topology."""

    def __init__(self, name: str, state_root: Path) -> None:
        self.settings = Settings(name=name, slot=free_slot(), state_root=state_root)
        self.settings.state_dir.mkdir(parents=True)
        self.reality = Reality()
        self.guard = Guard(self.settings)
        self.guard.up()
        self.network = Network(self.settings, self.reality, self.guard)
        self.firewall = Firewall(self.settings, self.reality)
        self.hosts: dict[str, Host] = {}
        self._listeners: list[socket.socket] = []
        self.topology = Topology()

    @property
    def internet(self) -> str:
        return self.settings.internet_namespace

    @property
    def vpc(self) -> Vpc:
        return self.topology.vpcs[0]

    def apply(self, *vpcs: Vpc) -> None:
        """Replace the VPCs."""
        self.topology = replace(self.topology, vpcs=vpcs)
        self.network.reconcile(self.topology)
        self.firewall.reconcile(self.topology)

    def plug(self, vpc: Vpc, *ports: int) -> None:
        """Attach a host to every interface of the VPC, named like it without eni-, and serve the ports."""
        for interface in vpc.interfaces:
            name = interface.id.removeprefix("eni-")
            if name not in self.hosts:
                self.hosts[name] = Host(name)
                self.network.attach(vpc.id, interface, self.hosts[name].pid)
                for port in ports:
                    self.hosts[name].serve(port)

    def serve_in_internet(self, listener: socket.socket) -> None:
        self._listeners.append(listener)
        serve(listener, "internet")

    def ask(self, name: str, address: str, port: int) -> str:
        return ask(self.hosts[name].pid, address, port)

    def drops(self, name: str, address: str, port: int) -> bool:
        """Whether the host's packets are silently dropped."""
        return ask(self.hosts[name].pid, address, port, patience=SILENCE) == "dropped"

    def drops_from_internet(self, address: str, port: int) -> bool:
        return ask(self.internet, address, port, patience=SILENCE) == "dropped"

    def ask_from_internet(self, address: str, port: int, source: str | None = None) -> str:
        return ask(self.internet, address, port, source)

    def is_plugged(self, interface_id: str) -> bool:
        """Whether the interface is attached in the first VPC."""
        return namespaces.device("e", interface_id) in device_names(self.settings.vpc_namespace(self.vpc.id))

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()
        for host in self.hosts.values():
            host.close()
        self.network.close()
        self.guard.down()
