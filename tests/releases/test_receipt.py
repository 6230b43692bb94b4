"""The load and its receipt: a failed request is seen, and shown."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.releases.load import Load
from tests.releases.receipt import Receipt


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    status = 200

    def do_GET(self) -> None:
        body = json.dumps({"name": "backend-1", "version": "1"}).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The tests' output stays clean."""


@pytest.mark.parametrize("status", [200, 503])
def test_every_answer_is_noted(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "status", status)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        load = Load(f"http://127.0.0.1:{server.server_port}/passthrough", rate=500, workers=4)
        load.start()
        deadline = time.monotonic() + 10
        while len(load.answers) < 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        load.stop()
        server.shutdown()
    errors = {answer.error[:10] for answer in load.answers}
    assert errors == ({""} if status == 200 else {"status 503"})


def answers(*errors: str) -> list[dict[str, Any]]:
    return [
        {"time": float(n), "latency": 1.0 + n, "name": "backend-1", "version": "1", "error": error}
        for n, error in enumerate(errors)
    ]


def test_a_receipt_counts_and_shows_failures() -> None:
    receipt = Receipt("deploy", answers("", "", "status 502: x", ""))
    assert (len(receipt.failed), receipt.sources()) == (1, {"backend-1 1": 3})
    assert "4 requests" in receipt.text()
    assert "1 failed" in receipt.text()
    assert receipt.svg().count("#d62728") == 1


def test_a_receipt_without_failures_has_no_red() -> None:
    assert "#d62728" not in Receipt("deploy", answers("", "")).svg()
