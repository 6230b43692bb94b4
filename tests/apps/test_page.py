"""The page in a real browser: it shows who answered, and what fails, without a reload."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.browser import Browser
from tests.apps.conftest import Liar, StartApplication
from tests.apps.processes import Postgres
from tests.apps.test_passthrough import response


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    browser = Browser(tmp_path / "chromium")
    yield browser
    # For a look at what a test saw: PICTURES=folder.
    if folder := os.environ.get("PICTURES"):
        name = os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].split(" ")[0]
        Path(folder, f"{name}.png").write_bytes(base64.b64decode(browser.screenshot()))
    browser.close()


def test_shows_both_names_and_the_database(start: StartApplication, postgres: Postgres, browser: Browser):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn(), VERSION="1.2.3")
    start("backend", NAME="backend-2", DBCONNECTIONSTRING=postgres.dsn()).wait("/readyz")
    frontend = start("frontend", API=backend.url)
    backend.wait("/readyz")
    frontend.wait()
    browser.resize(1000, 900)
    browser.open(frontend.url)
    assert browser.text("h1") == "Hello world!"
    browser.wait_text("#frontend", "frontend-1")
    browser.wait_text("#backend", "backend-1")
    assert "version 1.2.3" in browser.text("#backend")
    assert " ms" in browser.text("#backend")
    assert "reachable" in browser.text("#database")
    assert "backend-2" in browser.text("#instances")
    assert browser.text("#summary") == "Answered by frontend-1, which asked backend-1."
    assert browser.complaints() == []
    assert browser.hosts() == {frontend.url.removeprefix("http://")}


def test_shows_failures_and_recoveries_without_a_reload(start: StartApplication, postgres: Postgres, browser: Browser):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn())
    frontend = start("frontend", API=backend.url)
    backend.wait("/readyz")
    frontend.wait()
    browser.open(frontend.url)
    browser.evaluate("window.same = true")
    browser.wait_text("#database", "reachable")
    postgres.stop()
    browser.wait_text("#database", "not reachable")
    assert "backend-1" in browser.text("#backend")
    postgres.start()
    browser.wait_text("#summary", "Answered by frontend-1")
    backend.stop()
    browser.wait_text("#backend", "no answer")
    assert "cannot be reached" in browser.text("#backend")
    assert "unknown" in browser.text("#database")
    start("backend", NAME="backend-9", PORT=str(backend.port), DBCONNECTIONSTRING=postgres.dsn())
    browser.wait_text("#backend", "backend-9")
    frontend.stop()
    browser.wait_text("#frontend", "no answer")
    start("frontend", NAME="frontend-9", PORT=str(frontend.port), API=backend.url)
    browser.wait_text("#frontend", "frontend-9")
    browser.wait_text("#counts", "backend-9")
    assert browser.evaluate("window.same") is True


@pytest.mark.parametrize("width", [320, 390, 1400])
def test_fits_its_screen(start: StartApplication, postgres: Postgres, browser: Browser, width: int):
    backend = start("backend", NAME="backend-with-a-very-long-name-" + "x" * 60, DBCONNECTIONSTRING=postgres.dsn())
    frontend = start("frontend", API=backend.url)
    backend.wait("/readyz")
    frontend.wait()
    browser.resize(width, 800)
    browser.open(frontend.url)
    browser.wait_text("#backend", "very-long")
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_what_a_backend_says_is_text(start: StartApplication, lie, browser: Browser):
    name = b"<img src=x onerror=alert(1)>"
    body = b'{"name":"%s","version":"<b>","database":{"reachable":true,"latency_ms":1},"instances":[]}' % name

    def answer(liar: Liar, connected) -> None:
        liar.request(connected)
        connected.sendall(response(body))

    frontend = start("frontend", API=lie(answer).url)
    frontend.wait()
    browser.open(frontend.url)
    browser.wait_text("#backend", name.decode())
    assert browser.evaluate("document.querySelectorAll('main img').length") == 0
    assert browser.complaints() == []
