"""Preflight: the address from which SSH is allowed, and the programs of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.modules import preflight


@pytest.fixture
def own_address() -> Iterator[str]:
    """URL of a service that says 203.0.113.9, as AWS's says the caller's address."""

    class Says(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"203.0.113.9\n")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Says) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("given", "range_", "problem"),
    [
        ("", "203.0.113.9/32", False),
        ("203.0.113.0/24", "203.0.113.0/24", False),
        ("203.0.113.7/32", "203.0.113.7/32", True),
        ("0.0.0.0/0", "0.0.0.0/0", False),
    ],
)
def test_the_operator_is_not_shut_out(own_address: str, given: str, range_: str, problem: bool) -> None:
    found, problems = preflight.admin_cidr({"admin_cidr": given}, own_address)
    assert found == range_
    assert [p.fix for p in problems] == (["-e admin_cidr=203.0.113.9/32, or leave it empty"] if problem else [])


def test_an_address_that_cannot_be_found_matters_only_where_it_is_needed() -> None:
    nobody = "http://127.0.0.1:9"
    assert preflight.admin_cidr({"admin_cidr": "203.0.113.7/32"}, nobody) == ("203.0.113.7/32", [])
    assert "cannot be found" in str(preflight.admin_cidr({"admin_cidr": ""}, nobody)[1][0])


@pytest.mark.parametrize("name", ["http_proxy", "https_proxy"])
def test_behind_a_proxy_its_address_is_not_taken_for_the_operators(
    own_address: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://192.0.2.1:3128")
    assert preflight.admin_cidr({"admin_cidr": "203.0.113.7/32"}, own_address) == ("203.0.113.7/32", [])
    found, problems = preflight.admin_cidr({"admin_cidr": ""}, own_address)
    assert found == ""
    assert [problem.fix for problem in problems] == ["-e admin_cidr=203.0.113.7/32"]


@pytest.mark.parametrize(("platform", "wrong"), [("linux/amd64", False), ("linux/arm64", True)])
def test_a_daemon_that_builds_for_another_processor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, wrong: bool
) -> None:
    (tmp_path / "docker").write_text(f"#!/bin/sh\necho {platform}\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(preflight, "EMULATOR", tmp_path / "none")
    found = [problem.value for problem in preflight.machine_problems(docker=True)]
    assert found == ([f"daemon on {platform}"] if wrong else [])


@pytest.mark.parametrize(
    ("platform", "value", "wrong"), [("darwin", "", True), ("darwin", "YES", False), ("linux", "", False)]
)
def test_macos_lets_forked_workers_live(
    monkeypatch: pytest.MonkeyPatch, platform: str, value: str, wrong: bool
) -> None:
    monkeypatch.setattr(preflight.sys, "platform", platform)
    monkeypatch.setenv(preflight.FORK_SAFETY, value)
    said = [str(problem) for problem in preflight.machine_problems(docker=False)]
    assert any("export OBJC_DISABLE_INITIALIZE_FORK_SAFETY=YES" in text for text in said) is wrong
