"""An application load balancer: a container with HAProxy and an interface in each subnet."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass

from localcloud.contract.reality import Reality
from localcloud.contract.topology import Interface, LoadBalancer, Subnet, TargetGroup
from localcloud.machine.namespaces import device, ip_batch
from localcloud.settings import Settings

from ..containers import ServiceContainer
from ..network import routing
from ..network.network import Network
from ..worker import Worker
from .haproxy import Haproxy, HaproxyError
from .haproxy_config import backend_name, render
from .target_group import GroupServers, States
from .target_health import HealthBoard

POLL_SECONDS = 0.4
START_SECONDS = 20
USER = 10001  # an unused account: HAProxy only needs its folder
FIRST_TABLE = 100
SYSCTLS = {
    "net.ipv4.ip_unprivileged_port_start": "0",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
}


@dataclass(frozen=True)
class BalancerPlan:
    """places: an interface and subnet per Availability Zone. groups: those that its rules forward to.

    owned: ARNs of the target groups whose health this load balancer publishes.
    """

    balancer: LoadBalancer
    places: tuple[tuple[Interface, Subnet], ...]
    groups: tuple[TargetGroup, ...]
    owned: frozenset[str]

    @property
    def zones(self) -> list[str]:
        return [subnet.zone for _, subnet in self.places]


class Balancer(Worker[BalancerPlan]):
    """Follows its plan without losing requests: targets by the runtime API, anything else by a reload."""

    def __init__(self, settings: Settings, reality: Reality, network: Network, board: HealthBoard, arn: str) -> None:
        super().__init__(f"load balancer {arn.rpartition('loadbalancer/app/')[2]}", POLL_SECONDS)
        self.arn = arn
        self._reality = reality
        self._network = network
        self._lag = settings.deregistration_lag
        self._board = board
        short = hashlib.sha256(arn.encode()).hexdigest()[:12]
        self._folder = settings.state_dir / "lb" / short
        self._container = ServiceContainer(settings, f"alb-{arn.split('/')[-2]}-{short[:6]}")
        self._haproxy = Haproxy(self._folder)
        self._attached: dict[str, Interface] = {}
        self._structure = ""
        self._groups: dict[str, GroupServers] = {}

    def step(self, plan: BalancerPlan) -> None:
        pid = self._container.pid() or self._start(plan)
        self._attach(plan, pid)
        self._configure(plan)
        for group in plan.groups:
            self._groups[group.arn].follow(group, plan.zones)
        self._update_health(plan)
        self._reality.set_ready(self.arn)

    def failed(self, reason: str) -> None:
        self._reality.set_failed(self.arn, reason)

    def remove(self) -> None:
        self._container.remove()
        for interface_id in self._attached:
            self._network.detach(interface_id)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._reality.set_gone(self.arn)

    def _start(self, plan: BalancerPlan) -> int:
        """Start a new container without targets: the runtime API adds them as `initial`."""
        self._attached, self._groups = {}, {group.arn: self._servers_of(group) for group in plan.groups}
        self._publish_health(plan, {})  # before set_gone(): no healthy targets without a load balancer
        self._reality.set_gone(self.arn)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, mode=0o700)
        os.chown(self._folder, USER, USER)
        self._write(plan)
        self._structure = render(plan.balancer, plan.groups, {})
        command = ["haproxy", "-W", "-db", "-S", "/alb/master.sock", "-f", "/alb/haproxy.cfg"]
        volumes = {str(self._folder): {"bind": "/alb", "mode": "rw"}}
        pid = self._container.start(command, user=str(USER), volumes=volumes, sysctls=SYSCTLS, read_only=True)
        self._await_haproxy()
        return pid

    def _await_haproxy(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not self._haproxy.answers():
            if not self._container.pid():
                raise HaproxyError(f"haproxy ended: {self._container.last_output()}")
            if time.monotonic() > end:
                raise HaproxyError(f"haproxy did not answer within {START_SECONDS} s: {self._container.last_output()}")
            time.sleep(0.02)

    def _attach(self, plan: BalancerPlan, pid: int) -> None:
        """Attach an interface in each subnet. Source routing sends replies through the interface of the request."""
        wanted = {interface.id: interface for interface, _ in plan.places}
        for gone in self._attached.keys() - wanted.keys():
            self._network.detach(gone)
            del self._attached[gone]
        for interface, subnet in plan.places:
            if self._attached.get(interface.id) == interface:
                continue
            name, table = device("e", interface.id), FIRST_TABLE + plan.places.index((interface, subnet))
            first = not self._attached
            self._network.attach(plan.balancer.vpc_id, interface, pid, device=name, default_route=first)
            ip_batch(pid, [f"rule del from {interface.address}", f"route flush table {table}"], force=True)
            local = f"route add {subnet.cidr} dev {name} src {interface.address} table {table}"
            default = f"route add default via {routing.gateway_address(subnet)} dev {name} table {table}"
            ip_batch(pid, [local, default, f"rule add from {interface.address} lookup {table}"])
            self._attached[interface.id] = interface

    def _configure(self, plan: BalancerPlan) -> None:
        """Reload HAProxy if more than its servers changed, keeping their health."""
        if render(plan.balancer, plan.groups, {}) == self._structure:
            return
        wanted = {group.arn for group in plan.groups}
        self._groups = {arn: found for arn, found in self._groups.items() if arn in wanted}
        for group in plan.groups:
            self._groups.setdefault(group.arn, self._servers_of(group))
        self._put("servers.state", self._haproxy.state())
        self._write(plan)
        self._haproxy.reload()
        self._structure = render(plan.balancer, plan.groups, {})

    def _write(self, plan: BalancerPlan) -> None:
        servers = {arn: found.servers for arn, found in self._groups.items()}
        self._put("haproxy.cfg", render(plan.balancer, plan.groups, servers))

    def _put(self, name: str, text: str) -> None:
        path = self._folder / name
        path.write_text(text)
        os.chown(path, USER, USER)

    def _update_health(self, plan: BalancerPlan) -> None:
        states = self._haproxy.servers()
        changed = [self._groups[group.arn].update(states, group.health_check) for group in plan.groups]
        if any(changed):
            states = self._haproxy.servers()
        self._publish_health(plan, states)

    def _publish_health(self, plan: BalancerPlan, states: States) -> None:
        """Publish the health of targets in owned groups."""
        for group in plan.groups:
            if group.arn in plan.owned:
                for target in group.targets:
                    health = self._groups[group.arn].health(target, plan.zones, states)
                    self._board.publish(self.arn, (group.arn, target.id, target.port), health)

    def _servers_of(self, group: TargetGroup) -> GroupServers:
        return GroupServers(self._haproxy, backend_name(group), self._lag)


def groups_of(balancer: LoadBalancer, groups: Sequence[TargetGroup]) -> tuple[TargetGroup, ...]:
    """The target groups that the load balancer's rules forward to."""
    actions = [rule.action for listener in balancer.listeners for rule in listener.rules]
    wanted = {action.target_group_arn for action in actions if action.kind == "forward"}
    return tuple(group for group in groups if group.arn in wanted)
