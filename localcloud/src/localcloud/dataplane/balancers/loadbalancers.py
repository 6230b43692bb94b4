"""Application load balancers, made real with HAProxy, and the health of their targets."""

from __future__ import annotations

from localcloud.contract.reality import Reality
from localcloud.contract.topology import Interface, LoadBalancer, Subnet, Topology
from localcloud.settings import Settings

from ..network.network import Network
from .balancer import Balancer, BalancerPlan, groups_of
from .target_health import HealthBoard, Key


class LoadBalancers:
    """A worker per load balancer; reconcile() only distributes plans and returns at once."""

    def __init__(self, settings: Settings, reality: Reality, network: Network) -> None:
        self._settings = settings
        self._reality = reality
        self._network = network
        self._board = HealthBoard(reality)
        self._balancers: dict[str, Balancer] = {}
        self._leaving: dict[str, Balancer] = {}

    def reconcile(self, topology: Topology) -> None:
        """Make load balancers and target health match the topology."""
        plans = self._plans(topology)
        self._board.assign(_authors(topology, plans))
        for arn in self._balancers.keys() - plans.keys():
            self._leaving[arn] = self._balancers.pop(arn)
            self._leaving[arn].end()
        self._leaving = {arn: balancer for arn, balancer in self._leaving.items() if not balancer.ended}
        for arn, plan in plans.items():
            if arn in self._leaving:
                continue  # wait for the next round, when its name is free
            if arn not in self._balancers:
                self._balancers[arn] = Balancer(self._settings, self._reality, self._network, self._board, arn)
            self._balancers[arn].want(plan)

    def close(self) -> None:
        """Remove every load balancer."""
        balancers = [*self._balancers.values(), *self._leaving.values()]
        for balancer in balancers:
            balancer.end()
        for balancer in balancers:
            balancer.join()
        self._balancers, self._leaving = {}, {}

    def _plans(self, topology: Topology) -> dict[str, BalancerPlan]:
        interfaces = {interface.id: interface for vpc in topology.vpcs for interface in vpc.interfaces}
        subnets = {subnet.id: subnet for vpc in topology.vpcs for subnet in vpc.subnets}
        plans: dict[str, BalancerPlan] = {}
        owned_already: set[str] = set()
        for balancer in topology.load_balancers:
            places = _places(balancer, interfaces, subnets)
            if not places:
                continue
            groups = groups_of(balancer, topology.target_groups)
            owned = frozenset(group.arn for group in groups) - owned_already
            owned_already |= owned
            plans[balancer.arn] = BalancerPlan(balancer, places, groups, owned)
        return plans


def _places(
    balancer: LoadBalancer, interfaces: dict[str, Interface], subnets: dict[str, Subnet]
) -> tuple[tuple[Interface, Subnet], ...]:
    found = [interfaces[interface_id] for interface_id in balancer.interface_ids if interface_id in interfaces]
    return tuple((interface, subnets[interface.subnet_id]) for interface in found if interface.subnet_id in subnets)


def _authors(topology: Topology, plans: dict[str, BalancerPlan]) -> dict[Key, str | None]:
    """The load balancer that publishes a target's health, or None if no listener forwards to its group."""
    owners = {group_arn: arn for arn, plan in plans.items() for group_arn in plan.owned}
    return {
        (group.arn, target.id, target.port): owners.get(group.arn)
        for group in topology.target_groups
        for target in group.targets
    }
