"""Target health as AWS reports it, from the load balancer's own checks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab import soon

from .balanced import ARN, CHECK, CLOSED, GROUP, PORT, Balanced

pytestmark = pytest.mark.cloud


def test_a_new_target_is_initial_and_gets_nothing_until_a_check_succeeds(balanced: Balanced) -> None:
    balanced.serve("one")
    balanced.two.answers_checks.clear()
    slow = replace(CHECK, interval=10, timeout=9)
    balanced.apply(balanced.target("one"), balanced.target("two"), health_check=slow)
    wanted = ("initial", "Elb.InitialHealthChecking")
    assert balanced.lab.reality.wait_for(
        lambda: (balanced.health("two").state, balanced.health("two").reason) == wanted, 5
    )
    assert balanced.names() == {"one"}
    assert soon(lambda: balanced.two.checks != [])
    balanced.two.answers_checks.set()
    assert balanced.next_health("two").state == "healthy"
    assert balanced.names() == {"one", "two"}


def test_one_success_makes_a_new_target_healthy_whatever_the_threshold(balanced: Balanced) -> None:
    balanced.apply(balanced.target("one"), health_check=replace(CHECK, interval=5, healthy_threshold=10))
    balanced.await_health("one", "healthy")
    assert len(balanced.one.checks) == 1


def test_a_recovering_target_has_to_succeed_as_often_as_its_threshold_says(balanced: Balanced) -> None:
    balanced.apply(balanced.target("one"), health_check=replace(CHECK, healthy_threshold=3))
    balanced.await_health("one", "healthy")
    balanced.one.health = 500
    balanced.await_health("one", "unhealthy")
    balanced.one.checks.clear()
    balanced.one.health = 200
    balanced.await_health("one", "healthy")
    assert len(balanced.one.checks) == 3


def test_a_target_has_to_fail_as_often_as_its_threshold_says(balanced: Balanced) -> None:
    balanced.apply(balanced.target("one"), health_check=replace(CHECK, unhealthy_threshold=4))
    balanced.await_health("one", "healthy")
    balanced.one.checks.clear()
    balanced.one.health = 500
    balanced.await_health("one", "unhealthy")
    assert len(balanced.one.checks) == 4


@pytest.mark.parametrize(("path", "state"), [("/", "healthy"), ("/readyz", "unhealthy")])
def test_the_path_decides(balanced: Balanced, path: str, state: str) -> None:
    balanced.one.health = 500  # the status of /readyz; the other path returns 200
    balanced.apply(balanced.target("one"), health_check=replace(CHECK, path=path))
    balanced.await_health("one", state)


def test_checks_are_as_far_apart_as_the_interval_says(balanced: Balanced) -> None:
    balanced.apply(balanced.target("one"), health_check=replace(CHECK, interval=3))
    balanced.await_health("one", "healthy")
    times = balanced.one.check_times
    first = len(times)
    assert soon(lambda: len(times) >= first + 4)
    assert times[first + 3] - times[first] >= 3 * 3 - 0.5, "at the usual second of these tests it were three"


@pytest.mark.parametrize(("matcher", "status", "state"), [
    ("200", 200, "healthy"), ("200", 201, "unhealthy"), ("200-299", 204, "healthy"), ("200,404", 404, "healthy"),
])  # fmt: skip
def test_the_matcher_decides(balanced: Balanced, matcher: str, status: int, state: str) -> None:
    balanced.one.health = status
    balanced.apply(balanced.target("one"), health_check=replace(CHECK, matcher=matcher))
    balanced.await_health("one", state)


def test_a_wrong_status_is_named(balanced: Balanced) -> None:
    balanced.serve("one", "two")
    balanced.two.health = 503
    found = balanced.await_health("two", "unhealthy")
    assert found.reason == "Target.ResponseCodeMismatch"
    assert found.description == "Health checks failed with these codes: [503]"
    assert balanced.names() == {"one"}


def test_a_refused_connection_is_a_failed_check(balanced: Balanced) -> None:
    balanced.serve("one")
    balanced.one.stop()
    assert balanced.await_health("one", "unhealthy").reason == "Target.FailedHealthChecks"


def test_a_hanging_answer_is_a_timeout(balanced: Balanced) -> None:
    balanced.serve("one")
    balanced.one.answers_checks.clear()
    assert balanced.await_health("one", "unhealthy").reason == "Target.Timeout"


def test_a_closed_security_group_is_a_timeout_and_opening_it_heals(balanced: Balanced) -> None:
    balanced.serve("one")
    open_vpc = balanced.lab.vpc
    closed = tuple(
        replace(interface, group_ids=(CLOSED.id,)) if interface.id == "eni-one" else interface
        for interface in open_vpc.interfaces
    )
    balanced.lab.apply(replace(open_vpc, interfaces=closed))
    assert balanced.await_health("one", "unhealthy").reason == "Target.Timeout"
    balanced.lab.apply(open_vpc)
    balanced.await_health("one", "healthy")


def test_checks_say_who_asks_and_go_to_the_port_that_is_configured(balanced: Balanced) -> None:
    balanced.apply(balanced.target("one", port=80), health_check=replace(CHECK, port=str(PORT)))
    reality = balanced.lab.reality
    assert reality.wait_for(
        lambda: (reality.health(GROUP, "i-one", 80) or balanced.health("one")).state == "healthy", 10
    )
    assert balanced.one.checks[0]["user-agent"] == "ELB-HealthChecker/2.0"
    assert balanced.one.checks[0]["host"].startswith("10.0.11.11")


def test_a_stopped_target_is_unused(balanced: Balanced) -> None:
    balanced.serve("one", "two")
    balanced.apply(balanced.target("one", address=None), balanced.target("two"))
    assert balanced.await_health("one", "unused").reason == "Target.InvalidState"
    assert balanced.names() == {"two"}
    balanced.apply(balanced.target("one"), balanced.target("two"))
    balanced.await_health("one", "healthy")


def test_a_target_in_a_zone_that_is_not_enabled_is_unused(balanced: Balanced) -> None:
    balanced.apply(balanced.target("one"), balanced.target("two", zone="us-east-1c"))
    found = balanced.await_health("two", "unused")
    assert found.reason == "Target.NotInUse"
    assert "Availability Zone" in str(found.description)
    balanced.await_health("one", "healthy")
    assert balanced.names() == {"one"}


def test_a_group_that_no_listener_uses_is_unused(balanced: Balanced) -> None:
    balanced.serve("one")
    balanced.apply(balanced.target("one"), listeners=())
    assert balanced.await_health("one", "unused").reason == "Target.NotInUse"


def test_a_deregistered_target_is_draining_and_then_forgotten(balanced: Balanced) -> None:
    balanced.serve("one", "two")
    balanced.apply(balanced.target("one", draining=True), balanced.target("two"))
    assert balanced.await_health("one", "draining").reason == "Target.DeregistrationInProgress"
    balanced.await_heard("two")
    balanced.apply(balanced.target("two"))
    assert balanced.lab.reality.health(GROUP, "i-one", PORT) is None


def test_a_load_balancer_that_is_killed_comes_back(balanced: Balanced) -> None:
    balanced.serve("one")
    worker = balanced.balancers._balancers[ARN]
    worker._container.remove()
    reality = balanced.lab.reality
    assert reality.wait_for(lambda: not reality.ready(ARN), 5)
    balanced.await_health("one", "healthy")
    assert balanced.names(2) == {"one"}
