"""Tests without packets: patterns and options from rules, and the authors of target health."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from localcloud.contract.reality import Health, Reality
from localcloud.dataplane.balancers import target_health
from localcloud.dataplane.balancers.haproxy import ServerState
from localcloud.dataplane.balancers.haproxy_config import check_options, escaped, pattern

from .balanced import CHECK


@pytest.mark.parametrize(("wildcards", "matching", "other"), [
    ("/img/*", ["/img/", "/img/a/b"], ["/img", "/x/img/"]),
    ("/v?/x", ["/v1/x"], ["/v12/x", "/v/x"]),
    ("/a.b", ["/a.b"], ["/aXb"]),
    ("*.example.com", ["a.example.com"], ["example.com"]),
])  # fmt: skip
def test_wildcards(wildcards: str, matching: list[str], other: list[str]) -> None:
    expression = re.compile(pattern(wildcards))
    assert [text for text in matching + other if expression.match(text)] == matching


@pytest.mark.parametrize("text", ["a b", "it's", '"', "$HOME", "#", "\\", "é", "\n", "%[src]"])
def test_an_escaped_word_has_nothing_that_haproxy_reads(text: str) -> None:
    word = escaped(text)
    assert re.fullmatch(r"([A-Za-z0-9_/.:^*|+?()-]|\\x[0-9a-f]{2})+", word)
    decoded = re.sub(rb"\\x(..)", lambda found: bytes.fromhex(found[1].decode()), word.encode())
    assert decoded.decode() == text


def test_the_checks_options_follow_the_target_group() -> None:
    check = replace(CHECK, interval=30, healthy_threshold=5, unhealthy_threshold=3, port="8080", protocol="HTTPS")
    expected = "check inter 30s fastinter 30s downinter 30s fall 3 rise 5 port 8080 check-ssl verify none"
    assert check_options(check) == expected


def test_only_the_author_tells_a_targets_health() -> None:
    reality = Reality()
    board = target_health.HealthBoard(reality)
    key = ("group", "i-1", 80)
    board.assign({key: None})
    assert reality.health(*key) == target_health.NOT_IN_USE
    board.publish("one", key, target_health.HEALTHY)
    assert reality.health(*key) == target_health.NOT_IN_USE
    board.assign({key: "one"})
    assert reality.health(*key) == target_health.REGISTERING
    board.publish("one", key, target_health.HEALTHY)
    assert reality.health(*key) == target_health.HEALTHY
    board.assign({})
    board.publish("one", key, target_health.HEALTHY)
    assert reality.health(*key) is None


@pytest.mark.parametrize(("check", "code", "reason"), [
    ("L7OK", 200, None), ("INI", 0, None), ("", 0, None), ("L7STS", 500, "Target.ResponseCodeMismatch"),
    ("L4TOUT", 0, "Target.Timeout"), ("L7TOUT", 0, "Target.Timeout"), ("L4CON", 0, "Target.FailedHealthChecks"),
    ("L7RSP", 0, "Target.FailedHealthChecks"),
])  # fmt: skip
def test_reasons(check: str, code: int, reason: str | None) -> None:
    found = target_health.failure(ServerState("DOWN", check, code, 0, 0))
    assert (found or Health("healthy")).reason == reason
