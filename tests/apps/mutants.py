"""Do the tests notice? Each case breaks a copy of the applications in one place and wants a test to fail.

Part of `make torture`; alone: `pytest tests/apps/mutants.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.apps.processes import APPS

HERE = Path(__file__).parent

# What breaks: file, the text, what stands there instead, and the test that must see it.
MUTANTS = {
    "no deadline for a slow backend": (
        "frontend/upstream.py", "self._socket.settimeout(remaining)", "self._socket.settimeout(60)",
        "test_passthrough.py::test_a_lying_backend[silence]",
    ),
    "a deadline for each read only": (
        "frontend/upstream.py", "remaining := deadline - time.monotonic()", "remaining := TOTAL_SECONDS",
        "test_passthrough.py::test_a_lying_backend[dripping body]",
    ),
    "unread data is not minded": (
        "frontend/upstream.py", 'self._http.trailing_data != (b"", False) or', "",
        "test_passthrough.py::test_a_connection_with_unread_data_is_not_used_again[half_unasked]",
    ),
    "Python's JSON passes": (
        "frontend/app.py", "json.dumps(told, ensure_ascii=False, allow_nan=False).encode()", "pass",
        "test_passthrough.py::test_a_lying_backend[NaN]",
    ),
    "each visitor looks up for itself": (
        "frontend/upstream.py", "if not self._look_ups or", "if True or",
        "test_names.py::test_a_name_server_that_hung_leaves_no_queue",
    ),
    "bodies are waited for": (
        "common/worker.py", "if has_body(request):", "if False:",
        "test_refusals.py::test_refused[a body that never comes]",
    ),
    "bodies are not refused": (
        "common/service.py", "if request.content_length or", "if False and",
        "test_refusals.py::test_refused[a body]",
    ),
    "a proxy is believed": (
        "gunicorn.conf.py", 'forwarded_allow_ips = ""', 'forwarded_allow_ips = "*"',
        "test_refusals.py::test_headers_that_a_proxy_might_set_change_nothing",
    ),
    "the log has no bounds": (
        "common/logs.py", "if len(self._pending) >= QUEUE:", "if False:",
        "test_logs.py::test_a_log_that_nobody_reads",
    ),
    "requests wait for the log": (
        "common/logs.py", "while self._wake.wait():", "while self._starting.acquire() and self._wake.wait():",
        "test_logs.py::test_sigterm_while_nobody_reads",
    ),
    "the listen queue is lost": (
        "common/worker.py", "time.monotonic() - began < LINGER_SECONDS and", "False and",
        "test_contract.py::test_sigterm_loses_nothing_that_waits_to_be_accepted",
    ),
    "connections are not kept": (
        "frontend/upstream.py", "self._kept.append(connection)", "connection.close()",
        "test_passthrough.py::test_connections_are_kept",
    ),
    "no second try on a new connection": (
        "frontend/upstream.py", "except (ConnectionEndedError, ConnectionError):", "except ZeroDivisionError:",
        "test_passthrough.py::test_a_kept_connection_that_dies_under_the_request_is_replaced",
    ),
    "any request id is taken": (
        "common/service.py", "if not REQUEST_ID.fullmatch(request_id):", "if not request_id:",
        "test_contract.py::test_request_ids_are_taken_made_and_passed_on",
    ),
    "query strings are logged": (
        "common/service.py", 'environ["PATH_INFO"],', 'environ["PATH_INFO"] + environ["QUERY_STRING"],',
        "test_contract.py::test_log_lines",
    ),
    "SIGTERM cuts requests off": (
        "gunicorn.conf.py", "graceful_timeout = 8", "graceful_timeout = 1",
        "test_contract.py::test_sigterm_lets_a_request_in_flight_finish",
    ),
    "a backend's words become HTML": (
        "frontend/page.html", 'querySelector("strong").textContent', 'querySelector("strong").innerHTML',
        "test_page.py::test_what_a_backend_says_is_text",
    ),
    "a connection string is shown": (
        "backend/settings.py", "{len(text)} characters", "{text}",
        "test_configuration.py::test_malformed_connection_string_is_not_shown",
    ),
    "a dead connection is handed out": (
        "backend/database.py", "if is_alive(connection):", "if True:",
        "test_database.py::test_a_lost_connection_is_replaced",
    ),
    "no limit on queries": (
        "backend/database.py", "QUERY_SECONDS = 2.0", "QUERY_SECONDS = 30.0",
        "test_database.py::test_a_frozen_server_delays_no_request_for_long",
    ),
    "connections leak": (
        "backend/database.py", "if connection.closed:\n                self._open", "if True:\n                self._open",
        "test_database.py::test_connections_are_limited_under_load",
    ),
    "the pool has no limit": (
        "backend/database.py", "and self._open < self._size", "",
        "test_database.py::test_connections_are_limited_under_load",
    ),
    "no heartbeat": (
        "backend/app.py", "tend=register", "tend=lambda _: None",
        "test_database.py::test_the_heartbeat_goes_on",
    ),
    "two migrations at once": (
        "backend/schema.py", "select pg_advisory_xact_lock(%s)", "select %s",
        "test_admin.py::test_the_lock_keeps_two_migrations_apart",
    ),
    "a migration in pieces": (
        "backend/schema.py", 'cursor.execute("begin")', "pass",
        "test_admin.py::test_a_failing_migration_changes_nothing",
    ),
    "the application may delete": (
        "backend/application_role.py", "right in wanted", "True",
        "test_admin.py::test_a_backend_needs_no_more_than_granted",
    ),
    "the server sees the password": (
        "backend/application_role.py", 'return encrypt_password(password, user, connection, "scram-sha-256")',
        "return password", "test_admin.py::test_the_password_is_stored_as_scram_and_never_logged",
    ),
}  # fmt: skip


def run(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(HERE / test) for test in tests)],
        env={**os.environ, "APPS_FOLDER": str(folder)},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(APPS, tmp_path / "apps", ignore=shutil.ignore_patterns("venv", "__pycache__")))


def test_an_unbroken_copy_passes(copy: Path):
    done = run(copy, *sorted({test for *_, test in MUTANTS.values()}))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_copy_fails(copy: Path, mutant: str):
    name, text, instead, test = MUTANTS[mutant]
    file = copy / name
    before = file.read_text()
    assert before.count(text) == 1, f"{name} has {before.count(text)} times {text!r}"
    file.write_text(before.replace(text, instead))
    done = run(copy, test)
    # 1: tests were collected and failed. Anything else is a mistake of this file.
    assert done.returncode == 1, done.stdout
    assert " failed" in done.stdout
