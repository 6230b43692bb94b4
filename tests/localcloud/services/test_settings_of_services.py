"""What needs no packets: how rules become patterns, passwords verifiers, parameters files; who tells health."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from localcloud.contract.reality import Health, Reality
from localcloud.dataplane.balancers import target_health
from localcloud.dataplane.balancers.haproxy import ServerState
from localcloud.dataplane.balancers.haproxy_config import check_options, escaped, pattern
from localcloud.dataplane.databases import postgres

from .balanced import CHECK
from .stored import DATABASE


@pytest.mark.parametrize(("wildcards", "matching", "other"), [
    ("/img/*", ["/img/", "/img/a/b"], ["/img", "/x/img/"]),
    ("/v?/x", ["/v1/x"], ["/v12/x", "/v/x"]),
    ("/a.b", ["/a.b"], ["/aXb"]),
    ("*.example.com", ["a.example.com"], ["example.com"]),
])  # fmt: skip
def test_wildcards(wildcards: str, matching: list[str], other: list[str]) -> None:
    expression = re.compile(pattern(wildcards))
    assert [one for one in matching + other if expression.match(one)] == matching


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


def test_a_verifier_belongs_to_the_password_and_its_salt() -> None:
    found = postgres.scram_verifier("pencil", b"salt-of-16-bytes")
    assert found == postgres.scram_verifier("pencil", b"salt-of-16-bytes")
    assert found.split(":")[1].startswith(base64.b64encode(b"salt-of-16-bytes").decode())
    assert found != postgres.scram_verifier("pencil2", b"salt-of-16-bytes")
    assert found != postgres.scram_verifier("pencil")
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", b"salt-of-16-bytes", 4096)
    assert base64.b64encode(salted).decode() not in found


def test_parameters_cannot_undo_what_the_service_decides() -> None:
    given = (("ssl", "0"), ("listen_addresses", "nowhere"), ("work_mem", "it's"), ("max_connections", "{Memory/9}"))
    text = postgres.configuration(replace(DATABASE, parameters=given))
    assert "ssl = 'on'" in text
    assert "nowhere" not in text
    assert "work_mem = 'it''s'" in text
    assert "max_connections" not in text


def test_the_database_admits_no_one_without_tls_unless_told() -> None:
    assert "\nhostssl all all all scram-sha-256" in postgres.access(DATABASE)
    relaxed = postgres.access(replace(DATABASE, parameters=(("rds.force_ssl", "0"),)))
    assert "\nhost all all all scram-sha-256" in relaxed
    assert "host all rdsadmin all reject" in relaxed


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
