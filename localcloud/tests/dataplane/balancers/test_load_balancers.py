"""How a load balancer handles requests: rules, headers, its own responses, addresses in every zone."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from lab import SILENCE, soon
from localcloud.contract.topology import Action, Listener, ListenerRule
from localcloud.machine import namespaces

from .balanced import ADDRESSES, ARN, GROUP, PUBLIC, Balanced, forward
from .web import Client, get

pytestmark = pytest.mark.cloud

JSON = '{"who": "it\'s 100% the #1 \\ \\"balancer\\" $HOME"}\n' + "é" * 500
RULES = (
    ListenerRule(1, Action("fixed-response", status=404, content_type="application/json", body=JSON),
                 paths=("/fix?d/*",)),
    ListenerRule(2, Action("redirect", status=301, location="HTTPS://#{host}:443/#{path}?#{query}"),
                 hosts=("*.Old.example",)),
    ListenerRule(3, Action("redirect", status=302, location="#{protocol}://new.example:#{port}/50%/#{path}?#{query}"),
                 paths=("/a", "/b"), hosts=("both.example",)),
    ListenerRule(4, Action("fixed-response", status=503), paths=("/empty",)),
)  # fmt: skip


def test_both_targets_get_requests_at_the_address_of_every_zone_and_from_the_internet(balanced: Balanced) -> None:
    balanced.serve("one", "two")
    for address in ADDRESSES:
        assert {balanced.get(address=address).name for _ in range(6)} == {"one", "two"}
    assert get(balanced.lab.internet, PUBLIC).status == 200


def test_the_target_sees_who_asked_and_how(balanced: Balanced) -> None:
    balanced.serve("one")
    seen = balanced.get(headers={"Host": "shop.example"}).seen
    assert seen["host"] == "shop.example"
    assert seen["x-forwarded-for"] == "10.0.11.99"
    assert (seen["x-forwarded-proto"], seen["x-forwarded-port"]) == ("http", "80")
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", seen["x-amzn-trace-id"])
    assert balanced.get().seen["x-amzn-trace-id"] != seen["x-amzn-trace-id"]


def test_headers_with_odd_names_are_dropped_where_wanted(balanced: Balanced) -> None:
    balanced.serve("one")
    sent = {"X-Even": "1", "x_odd": "2", "x.dot": "3"}
    assert {"x-even", "x_odd", "x.dot"} <= balanced.get(headers=sent).seen.keys()
    marker = ListenerRule(1, Action("fixed-response", status=404), paths=("/strict",))
    strict = (Listener("l", 80, forward(marker)),)
    balanced.apply(balanced.target("one"), drops_invalid_headers=True, listeners=strict)
    balanced.await_status("/strict", 404)
    seen = balanced.get(headers=sent).seen
    assert seen["x-even"] == "1"
    assert not {"x_odd", "x.dot"} & seen.keys()


def test_headers_that_came_with_the_request_are_extended(balanced: Balanced) -> None:
    balanced.serve("one")
    root = "Root=1-67891233-abcdef012345678912345678"
    sent = {"X-Forwarded-For": "192.0.2.1, 192.0.2.2", "X-Amzn-Trace-Id": root, "X-Forwarded-Proto": "https"}
    seen = balanced.get(headers=sent).seen
    assert seen["x-forwarded-for"] == "192.0.2.1, 192.0.2.2, 10.0.11.99"
    assert re.fullmatch(rf"Self=1-[0-9a-f]{{8}}-[0-9a-f]{{24}};{root}", seen["x-amzn-trace-id"])
    assert seen["x-forwarded-proto"] == "http"


def test_connections_are_kept_alive_on_both_sides(balanced: Balanced) -> None:
    balanced.serve("one")
    client = Client(balanced.lab.hosts["client"].pid, ADDRESSES[0])
    answers = [client.get() for _ in range(5)]
    client.close()
    ports = {answer.body.partition(b'"from"')[2] for answer in answers}
    assert len(ports) == 1


def test_rules_by_path_and_host_in_the_order_of_their_priority(balanced: Balanced) -> None:
    balanced.apply(balanced.target("one"), listeners=(Listener("l", 80, forward(*RULES)),))
    balanced.await_health("one", "healthy")
    fixed = balanced.get("/fixed/x", {"Host": "www.old.example"})
    assert (fixed.status, fixed.body.decode(), fixed.headers["content-type"]) == (404, JSON, "application/json")
    assert fixed.headers["server"] == "awselb/2.0"
    moved = balanced.get("/p/q?x=1&y=2", {"Host": "WWW.old.example"})
    assert (moved.status, moved.headers["location"]) == (301, "https://WWW.old.example:443/p/q?x=1&y=2")
    moved = balanced.get("/b", {"Host": "both.example"})
    assert (moved.status, moved.headers["location"]) == (302, "http://new.example:80/50%/b")
    assert balanced.get("/empty").status == 503
    assert balanced.get("/b").name == "one"
    assert balanced.get("/fixxed/x").name == "one"


def test_a_rule_that_is_taken_away_no_longer_matches(balanced: Balanced) -> None:
    rule = ListenerRule(1, Action("fixed-response", status=404), paths=("/",))
    balanced.apply(balanced.target("one"), listeners=(Listener("l", 80, forward(rule)),))
    balanced.await_health("one", "healthy")
    assert balanced.get().status == 404
    balanced.apply(balanced.target("one"), listeners=(Listener("l", 80, forward()),))
    assert soon(lambda: balanced.get().status == 200)


def test_listeners_come_and_go(balanced: Balanced) -> None:
    balanced.serve("one")
    client = balanced.lab.hosts["client"].pid
    with pytest.raises(ConnectionRefusedError):
        get(client, ADDRESSES[0], port=8080)
    both = (Listener("l", 80, forward()), Listener("m", 8080, forward()))
    balanced.apply(balanced.target("one"), listeners=both)
    assert soon(lambda: balanced.answers(8080))
    assert get(client, ADDRESSES[0], port=8080).seen["x-forwarded-port"] == "8080"
    balanced.apply(balanced.target("one"), listeners=both[:1])
    assert soon(lambda: not balanced.answers(8080))
    assert balanced.get().status == 200


def test_without_targets_503(balanced: Balanced) -> None:
    balanced.apply()
    answer = balanced.get()
    assert (answer.status, answer.headers["server"]) == (503, "awselb/2.0")
    assert b"<title>503 Service Temporarily Unavailable</title>" in answer.body


def test_when_no_target_is_healthy_all_of_them_get_requests(balanced: Balanced) -> None:
    balanced.serve("one", "two")
    balanced.one.health = 500
    balanced.await_health("one", "unhealthy")
    assert balanced.names() == {"two"}
    balanced.two.health = 500
    balanced.await_health("two", "unhealthy")
    assert balanced.names() == {"one", "two"}
    balanced.one.health = 200
    balanced.await_health("one", "healthy")
    assert balanced.names() == {"one"}


def test_a_target_that_refuses_connections_502(balanced: Balanced) -> None:
    balanced.serve("one")
    balanced.one.stop()
    answer = balanced.get()
    assert (answer.status, answer.headers["server"]) == (502, "awselb/2.0")
    assert b"<title>502 Bad Gateway</title>" in answer.body
    balanced.one.start()
    assert balanced.get().status == 200


def test_a_target_that_closes_without_an_answer_502(balanced: Balanced) -> None:
    balanced.serve("one")
    answer = balanced.get("/die")
    assert (answer.status, answer.headers["server"]) == (502, "awselb/2.0")
    assert b"<title>502 Bad Gateway</title>" in answer.body


def test_a_target_that_is_slower_than_the_idle_timeout_504(balanced: Balanced) -> None:
    balanced.serve("one")
    marker = ListenerRule(1, Action("fixed-response", status=404), paths=("/quick",))
    balanced.apply(balanced.target("one"), idle_timeout=1, listeners=(Listener("l", 80, forward(marker)),))
    balanced.await_status("/quick", 404)
    answer = balanced.get("/hold")
    assert (answer.status, answer.headers["server"]) == (504, "awselb/2.0")
    assert b"<title>504 Gateway Time-out</title>" in answer.body
    balanced.one.let_go.set()
    assert balanced.get("/hold").status == 200


def test_a_target_that_drops_packets_504(balanced: Balanced) -> None:
    balanced.serve("one")
    vpc = balanced.lab.vpc
    closed = tuple(
        replace(interface, group_ids=("sg-closed",)) if interface.id == "eni-one" else interface
        for interface in vpc.interfaces
    )
    balanced.lab.apply(replace(vpc, interfaces=closed))
    answer = balanced.get()
    assert (answer.status, answer.headers["server"]) == (504, "awselb/2.0")
    assert b"<title>504 Gateway Time-out</title>" in answer.body


def test_least_outstanding_requests_avoids_the_busy_target(balanced: Balanced) -> None:
    balanced.apply(balanced.target("one"), algorithm="least_outstanding_requests")
    balanced.await_health("one", "healthy")
    client = balanced.lab.hosts["client"].pid
    held = [Client(client, ADDRESSES[0]) for _ in range(3)]
    for connection in held:
        connection.send("/hold")
        assert balanced.one.holding.acquire(timeout=10)
    balanced.apply(balanced.target("one"), balanced.target("two"))
    balanced.await_health("two", "healthy")
    assert balanced.names(10) == {"two"}
    balanced.one.let_go.set()
    assert [connection.receive().status for connection in held] == [200, 200, 200]


def test_a_removed_load_balancer_leaves_nothing(balanced: Balanced) -> None:
    balanced.serve("one")
    lab = balanced.lab
    assert all(lab.is_plugged(interface) for interface in ("eni-lb1", "eni-lb2"))
    balanced.publish([])
    reality = balanced.lab.reality
    assert reality.wait_for(lambda: not reality.ready(ARN), 10)
    assert balanced.health("one").reason == "Target.NotInUse"
    assert soon(lambda: not list((balanced.lab.settings.state_dir / "lb").iterdir()))
    assert not any(lab.is_plugged(interface) for interface in ("eni-lb1", "eni-lb2"))
    with pytest.raises(OSError, match=r"timed out|route"):  # a refused connection would be an answer
        namespaces.connect(lab.hosts["client"].pid, ADDRESSES[0], 80, SILENCE)
    assert reality.health(GROUP, "i-one", 5000) is not None
