"""A target in and out of a target group: only what the load balancer says counts."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.modules import release_facts, release_target

TARGET = ("i-1", 5000)


def state(name: str, reason: str = "") -> dict[str, str]:
    return {"state": name, "reason": reason, "description": ""}


class Group:
    """A target group that passes through the given states, one at each look; the last one stays."""

    def __init__(self, *states: dict[str, str] | None) -> None:
        self.states = list(states)
        self.calls: list[str] = []

    def health(self) -> dict[tuple[str, int], dict[str, str]]:
        now = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {("i-2", 5000): state("healthy")} | ({TARGET: now} if now else {})

    def register(self, *target: Any) -> None:
        self.calls.append("register")

    def deregister(self, *target: Any) -> None:
        self.calls.append("deregister")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_target, "POLL_SECONDS", 0)


@pytest.mark.parametrize(
    ("group", "waits"),
    [
        (Group(state("healthy"), state("draining"), None), True),
        (Group(state("draining"), None), True),
        (Group(None), False),
    ],
    ids=["deregistered now", "deregistered by a run that was killed", "gone already"],
)
def test_it_serves_on_until_every_node_has_noticed(group: Group, waits: bool) -> None:
    began = time.monotonic()
    release_target.bring(group, TARGET, "drained", 5, lag=0.3)
    assert (time.monotonic() - began >= 0.3) is waits


@pytest.mark.parametrize(
    ("group", "wanted", "calls", "end"),
    [
        (Group(state("healthy")), "healthy", [], "healthy"),
        (Group(None), "drained", [], "unregistered"),
        (Group(None, state("initial"), state("healthy")), "healthy", ["register"], "healthy"),
        (Group(state("draining"), state("initial"), state("healthy")), "healthy", ["register"], "healthy"),
        (Group(state("unhealthy"), state("healthy")), "healthy", [], "healthy"),
        (
            Group(state("healthy"), state("draining"), state("draining"), None),
            "drained",
            ["deregister"],
            "unregistered",
        ),
        (Group(state("unhealthy"), state("draining"), state("unused")), "drained", ["deregister"], "unused"),
        (Group(state("draining"), None), "drained", [], "unregistered"),
    ],
    ids=[
        "healthy already",
        "gone already",
        "new",
        "still draining",
        "recovers",
        "drains",
        "was sick",
        "drains already",
    ],
)
def test_brings_it_there(group: Group, wanted: str, calls: list[str], end: str) -> None:
    changed, now, _dummy = release_target.bring(group, TARGET, wanted, timeout=5)
    assert (group.calls, now["state"]) == (calls, end)
    assert changed is bool(calls)


@pytest.mark.parametrize(
    ("stuck", "wanted"), [("unhealthy", "healthy"), ("initial", "healthy"), ("draining", "drained")]
)
def test_gives_up_and_tells_the_last_state(stuck: str, wanted: str) -> None:
    _dummy, now, everyone = release_target.bring(Group(state(stuck, "Target.Timeout")), TARGET, wanted, timeout=0)
    assert now == state(stuck, "Target.Timeout")
    assert ("i-2", 5000) in everyone


def test_a_health_of_before_the_registration_does_not_count() -> None:
    """After registering, the state is read anew; the look before it said nothing of this target."""
    group = Group(None, state("unhealthy"), state("unhealthy"))
    _dummy, now, _dummy = release_target.bring(group, TARGET, "healthy", timeout=0.01)
    assert now["state"] == "unhealthy"


@pytest.mark.parametrize(
    ("own", "others", "says"),
    [
        ("healthy", {"i-2": "healthy"}, ""),
        ("healthy", {"i-2": "unhealthy", "i-3": "healthy"}, ""),
        ("unhealthy", {"i-2": "unused"}, ""),
        ("healthy", {"i-2": "unused", "i-3": "draining"}, "frontend-2 is unused, frontend-3 is draining"),
        ("healthy", {"i-2": "initial"}, "frontend-2 is initial, frontend-3 is unregistered"),
    ],
    ids=["another serves", "one of them serves", "serves nobody", "is the last", "one is not registered"],
)
def test_the_last_healthy_target_stays(own: str, others: dict[str, str], says: str) -> None:
    everyone = {TARGET: state(own)} | {(target, 5000): state(name) for target, name in others.items()}
    assert release_target.without_spare(everyone, TARGET, {"frontend-2": "i-2", "frontend-3": "i-3"}) == says


def test_the_only_target_of_a_tier_may_go() -> None:
    assert release_target.without_spare({TARGET: state("healthy")}, TARGET, {}) == ""


class Balancers:
    """A load balancer's client with one target group, on port 5000."""

    def __init__(self, *ports: int) -> None:
        self.ports = ports

    def describe_target_groups(self, **_: Any) -> dict[str, Any]:
        return {"TargetGroups": [{"TargetGroupArn": "arn", "Port": 5000}]}

    def describe_target_health(self, **_: Any) -> dict[str, Any]:
        told = [{"Target": {"Id": "i-1", "Port": port}, "TargetHealth": {"State": f"on {port}"}} for port in self.ports]
        return {"TargetHealthDescriptions": told}


@pytest.mark.parametrize("ports", [(5000, 5010), (5010, 5000)])
def test_a_second_container_is_not_taken_for_the_host(ports: tuple[int, ...]) -> None:
    found = release_facts.read_targets(Balancers(*ports), {"frontend": "group"})["frontend"]
    assert {name: target["state"] for name, target in found.items()} == {"i-1": "on 5000", "i-1:5010": "on 5010"}
