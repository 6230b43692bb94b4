"""No request is lost while targets and the configuration change, and lost requests are noticed."""

from __future__ import annotations

from collections.abc import Callable
from http.client import RemoteDisconnected

import pytest

from localcloud.contract.topology import Action, Listener, ListenerRule

from .balanced import ADDRESSES, ARN, Balanced, forward
from .web import Answer, Client, Visitors

pytestmark = pytest.mark.cloud


def hold(balanced: Balanced) -> tuple[Client, Callable[[], Answer]]:
    """Start a request that target one holds. The returned function finishes it and returns the response."""
    client = Client(balanced.lab.hosts["client"].pid, ADDRESSES[0])
    client.send("/hold")
    assert balanced.one.holding.acquire(timeout=10)

    def end() -> Answer:
        balanced.one.let_go.set()
        return client.receive()

    return client, end


def test_a_request_under_way_ends_well_while_its_target_drains(balanced: Balanced) -> None:
    balanced.serve("one")
    _, end = hold(balanced)
    balanced.apply(balanced.target("one", draining=True), balanced.target("two"))
    balanced.await_health("two", "healthy")
    balanced.await_heard("two")
    assert balanced.health("one").state == "draining"
    assert end().status == 200


def test_a_request_that_outlasts_the_drain_is_cut(balanced: Balanced) -> None:
    balanced.serve("one")
    client, _ = hold(balanced)
    balanced.apply(balanced.target("one", draining=True))
    balanced.await_health("one", "draining")
    balanced.apply()
    with pytest.raises(RemoteDisconnected):
        client.receive()


def test_a_target_may_return_while_it_drains(balanced: Balanced) -> None:
    balanced.serve("one")
    _, end = hold(balanced)
    balanced.apply(balanced.target("one", draining=True))
    balanced.await_health("one", "draining")
    balanced.apply(balanced.target("one"))
    balanced.await_health("one", "healthy")
    assert balanced.get().name == "one"
    assert end().status == 200


def test_a_deregistered_target_has_new_requests_for_a_while(balanced: Balanced) -> None:
    balanced.serve("one", "two")
    balanced.apply(balanced.target("one", draining=True), balanced.target("two"))
    balanced.await_health("one", "draining")
    assert balanced.names() == {"one", "two"}
    balanced.await_heard("two")


def test_deregister_drain_stop_and_register_again_under_load_loses_nothing(balanced: Balanced) -> None:
    balanced.serve("one", "two")
    visitors = Visitors(balanced.lab.hosts["client"].pid, ADDRESSES[0])
    for web, other in ((balanced.one, "two"), (balanced.two, "one"), (balanced.one, "two")):
        balanced.apply(balanced.target(web.name, draining=True), balanced.target(other))
        balanced.await_health(web.name, "draining")
        balanced.await_heard(other)
        balanced.await_idle(web.name)
        balanced.apply(balanced.target(other))
        web.stop()
        web.start()
        balanced.apply(balanced.target("one"), balanced.target("two"))
        balanced.await_health(web.name, "healthy")
    visitors.stop()
    assert visitors.failures == []
    assert visitors.names == {"one", "two"}


def test_stopping_a_target_without_draining_it_is_seen_by_visitors(balanced: Balanced) -> None:
    """The twin: the same load notices failures."""
    balanced.serve("one", "two")
    visitors = Visitors(balanced.lab.hosts["client"].pid, ADDRESSES[0])
    balanced.two.stop()
    balanced.await_health("two", "unhealthy")
    visitors.stop()
    assert any(failure.startswith("502") for failure in visitors.failures)


def test_changes_of_rules_and_listeners_under_load_lose_nothing(balanced: Balanced) -> None:
    balanced.serve("one", "two")
    visitors = Visitors(balanced.lab.hosts["client"].pid, ADDRESSES[0])
    for number in range(5):
        rule = ListenerRule(1, Action("fixed-response", status=404), paths=(f"/gone/{number}",))
        balanced.apply(balanced.target("one"), balanced.target("two"), listeners=(Listener("l", 80, forward(rule)),))
        balanced.await_status(f"/gone/{number}", 404)
        visitors.await_answers(20)
        assert {balanced.health(name).state for name in ("one", "two")} == {"healthy"}
    visitors.stop()
    assert visitors.failures == []


def test_a_restart_instead_of_a_reload_is_seen_by_visitors(balanced: Balanced) -> None:
    """The twin: the same load notices a change that is not hitless."""
    balanced.serve("one")
    visitors = Visitors(balanced.lab.hosts["client"].pid, ADDRESSES[0])
    visitors.await_answers(20)
    balanced.balancers._balancers[ARN]._container.remove()
    reality = balanced.lab.reality
    assert reality.wait_for(lambda: not reality.ready(ARN), 10)
    balanced.await_health("one", "healthy")
    visitors.await_answers(20)
    visitors.stop()
    assert visitors.failures != []


def test_a_request_under_way_outlives_a_reload(balanced: Balanced) -> None:
    balanced.serve("one")
    _, end = hold(balanced)
    rule = ListenerRule(1, Action("fixed-response", status=404), paths=("/gone",))
    balanced.apply(balanced.target("one"), listeners=(Listener("l", 80, forward(rule)),))
    balanced.await_status("/gone", 404)
    assert end().status == 200


def test_a_reload_keeps_what_is_known_of_health(balanced: Balanced) -> None:
    balanced.serve("one", "two")
    balanced.two.health = 500
    balanced.await_health("two", "unhealthy")
    rule = ListenerRule(1, Action("fixed-response", status=404), paths=("/gone",))
    balanced.apply(balanced.target("one"), balanced.target("two"), listeners=(Listener("l", 80, forward(rule)),))
    balanced.await_status("/gone", 404)
    assert balanced.names() == {"one"}
    assert balanced.health("two").state == "unhealthy"


def test_an_idle_connection_outlives_a_reload_and_knows_what_drained_after_it(balanced: Balanced) -> None:
    balanced.serve("one", "two")
    idle = [Client(balanced.lab.hosts["client"].pid, ADDRESSES[0]) for _ in range(4)]
    assert [client.get().status for client in idle] == [200] * 4
    rule = ListenerRule(1, Action("fixed-response", status=404), paths=("/gone",))
    balanced.apply(balanced.target("one"), balanced.target("two"), listeners=(Listener("l", 80, forward(rule)),))
    balanced.await_status("/gone", 404)
    balanced.apply(balanced.target("one", draining=True), balanced.target("two"))
    balanced.await_heard("two")
    balanced.one.stop()
    answers = [client.get() for client in idle]
    assert [answer.status for answer in answers] == [200] * 4
    assert {answer.name for answer in answers} == {"two"}
    assert {answer.seen["x-forwarded-for"] for answer in answers} == {"10.0.11.99"}
    assert {answer.headers.get("connection") for answer in answers} == {"close"}


def test_a_reload_keeps_draining_what_drains(balanced: Balanced) -> None:
    balanced.serve("one", "two")
    _, end = hold(balanced)
    targets = (balanced.target("one", draining=True), balanced.target("two"))
    balanced.apply(*targets)
    balanced.await_health("one", "draining")
    rule = ListenerRule(1, Action("fixed-response", status=404), paths=("/gone",))
    balanced.apply(*targets, listeners=(Listener("l", 80, forward(rule)),))
    balanced.await_status("/gone", 404)
    balanced.await_heard("two")
    balanced.two.health = 500
    balanced.await_health("two", "unhealthy")
    assert balanced.names() == {"two"}
    assert end().status == 200
