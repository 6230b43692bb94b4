"""The servers of a target group in HAProxy: added, checked, drained and removed by the runtime API."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from localcloud.contract.reality import Health
from localcloud.contract.topology import HealthCheck, Target, TargetGroup

from . import target_health
from .haproxy import Haproxy, HaproxyError, ServerState
from .haproxy_config import Server, check_options

FIRST_CHECK_SECONDS = 1
NEVER = 100  # a healthy threshold that HAProxy never reaches

States = Mapping[tuple[str, str], ServerState]


@dataclass
class Member:
    """A server in HAProxy. target: its ID. initial: too few health checks so far to call it healthy or unhealthy.

    early: its first check has no result yet. deregistered_at: when it was; the load balancer notices later.
    """

    server: Server
    target: str
    early: bool = True
    initial: bool = True
    draining: bool = False
    leaving: bool = False
    failing_since: float | None = None
    deregistered_at: float | None = None
    problem: Health = target_health.FAILED


class GroupServers:
    """Follows a target group. Not thread-safe: belongs to the load balancer's thread."""

    def __init__(self, haproxy: Haproxy, backend: str, lag: float) -> None:
        """lag: seconds until HAProxy hears that a target was deregistered."""
        self._haproxy = haproxy
        self._backend = backend
        self._lag = lag
        self._members: dict[Server, Member] = {}

    @property
    def servers(self) -> list[Server]:
        """HAProxy's servers, in the order in which they were added."""
        return list(self._members)

    def follow(self, group: TargetGroup, zones: Collection[str]) -> None:
        """Add, drain and remove servers to match the group's usable targets."""
        usable = [target for target in group.targets if unusable(target, zones) is None]
        wanted = {server(target): target for target in sorted(usable, key=lambda target: not target.draining)}
        registered = {(target.id, target.port): server(target) for target in group.targets}
        for found, target in wanted.items():
            member = self._members.get(found)
            if member and member.leaving:
                self._remove(member, cut=True)
                member = self._members.get(found)
            if member is None:
                if not target.draining:  # a server that was never added has nothing to drain
                    self._add(found, target.id, group.health_check)
            elif not target.draining:
                member.deregistered_at = None
                if member.draining:
                    self._return(member)
            elif not member.draining and self._has_heard(member):
                self._drain(member)
        for member in [member for found, member in self._members.items() if found not in wanted]:
            # One that is still registered is stopped, or in a zone that was taken away: the load balancer knows at once.
            now = registered.get((member.target, member.server.port))
            if now or self._has_heard(member):
                self._remove(member, cut=now != member.server)

    def update(self, states: States, check: HealthCheck) -> bool:
        """Process health check results. Returns whether a state changed, so that `states` must be read again."""
        changed = False
        for member in self._members.values():
            state = states.get((self._backend, member.server.name))
            if state and not member.draining and not member.leaving:
                changed |= self._judge(member, state, check)
        return changed

    def health(self, target: Target, zones: Collection[str], states: States) -> Health:
        """The target's health as AWS would report it."""
        if target.draining:
            return target_health.DRAINING
        if reason := unusable(target, zones):
            return reason
        member = self._members.get(server(target))
        state = states.get((self._backend, server(target).name))
        if member is None or state is None:
            return target_health.REGISTERING
        if state.status.startswith("UP"):
            return target_health.HEALTHY
        return target_health.CHECKING if member.initial else member.problem

    def _has_heard(self, member: Member) -> bool:
        """Whether the news that a target was deregistered has reached the load balancer."""
        member.deregistered_at = member.deregistered_at or time.monotonic()
        return time.monotonic() - member.deregistered_at >= self._lag

    def _judge(self, member: Member, state: ServerState, check: HealthCheck) -> bool:
        """Returns whether the state changed."""
        problem = target_health.failure(state)
        member.problem = problem or member.problem
        if state.status.startswith("UP"):
            member.initial = False
            return False
        succeeded = member.initial and state.score > 0
        if succeeded:  # a new target needs one success, whatever the threshold
            member.initial = False
        elif member.initial and problem:
            now = time.monotonic()
            member.failing_since = member.failing_since or now
            member.initial = now - member.failing_since < (check.unhealthy_threshold - 1) * check.interval
        if member.early and (succeeded or problem):
            try:
                self._place(member.server, check, up=succeeded, replaces=True)
            except HaproxyError:
                self._undo(member.server)
                raise
            member.early = False
        elif succeeded:
            self._haproxy.run(f"set server {self._names(member.server)[0]} health up")
        return succeeded

    def _add(self, found: Server, target: str, check: HealthCheck) -> None:
        """Add a server with a short first interval, because HAProxy waits one interval before the first check."""
        early = replace(check, interval=min(check.interval, FIRST_CHECK_SECONDS), healthy_threshold=NEVER)
        spare = self._names(found)[1]
        try:
            self._place(found, early, up=False, replaces=False)
            self._haproxy.run(f"add server {spare} {found.address}:{found.port}", f"enable server {spare}")
        except HaproxyError:
            self._undo(found)
            raise
        self._members[found] = Member(found, target)

    def _undo(self, found: Server) -> None:
        """Remove a partly added server; the next round starts over."""
        for name in self._names(found):
            self._haproxy.ask(f"set server {name} state maint", f"del server {name}")
        self._members.pop(found, None)

    def _place(self, found: Server, check: HealthCheck, *, up: bool, replaces: bool) -> None:
        """Add the checked server, with weight 0 while HAProxy still considers a new server up."""
        main, _ = self._names(found)
        if replaces:
            self._haproxy.run(f"set server {main} state maint", f"del server {main}")
        self._haproxy.run(
            f"add server {main} {found.address}:{found.port} {check_options(check)} weight 1",
            f"set server {main} weight 0",
            f"enable health {main}",
            f"enable server {main}",
            f"set server {main} health {'up' if up else 'down'}",
            f"set server {main} weight 1",
        )

    def _drain(self, member: Member) -> None:
        main, spare = self._names(member.server)
        self._haproxy.run(f"set server {main} state drain", f"set server {spare} state drain")
        member.draining = True

    def _return(self, member: Member) -> None:
        """Treat a target that was registered again while draining as new; current requests go on."""
        main, spare = self._names(member.server)
        self._haproxy.run(
            f"set server {main} weight 0",
            f"set server {main} state ready",
            f"set server {main} health down",
            f"set server {main} weight 1",
            f"set server {spare} state ready",
        )
        self._members[member.server] = Member(member.server, member.target, early=member.early)

    def _remove(self, member: Member, cut: bool) -> None:
        """cut: the deregistration delay is over, so end current requests."""
        names = self._names(member.server)
        if not member.leaving:
            self._haproxy.run(*[f"set server {name} state maint" for name in names])
            member.leaving = True
        if cut:
            self._haproxy.run(*[f"shutdown sessions server {name}" for name in names])
        deleted = [self._haproxy.delete(name) for name in names]
        if all(deleted):
            del self._members[member.server]

    def _names(self, found: Server) -> tuple[str, str]:
        """The server's names in both backends: the checked one, and the one for failing open."""
        return f"{self._backend}/{found.name}", f"{self._backend}.open/{found.name}"


def server(target: Target) -> Server:
    return Server(str(target.address), target.port)


def unusable(target: Target, zones: Collection[str]) -> Health | None:
    """Why the load balancer cannot use the target, or None if it can."""
    if target.address is None:
        return target_health.STOPPED
    if target.zone not in (None, "all", *zones):
        return target_health.OTHER_ZONE
    return None
