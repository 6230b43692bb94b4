"""A cloud without an API for each test that sends packets; prints the packets counted by all guards."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import COUNTED, Lab, count, standard_vpc

numbers = itertools.count()


@pytest.fixture
def lab() -> Iterator[Lab]:
    """An empty cloud. Its state path is short, because the path of a Unix socket is limited to 107 characters."""
    with tempfile.TemporaryDirectory(prefix="lc") as folder:
        made = Lab(f"t{os.getpid()}-{next(numbers)}", Path(folder))
        try:
            yield made
            leaked = made.guard.leaks()
        finally:
            made.close()
        count(leaked)


@pytest.fixture
def vpc(lab: Lab) -> Lab:
    """The standard VPC, with a host at every interface that serves ports 80, 5001 and 5432."""
    lab.apply(standard_vpc())
    lab.plug(lab.vpc, 80, 5001, 5432)
    return lab


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Pass a worker's counts to the controller."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["counted"] = COUNTED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    COUNTED.extend(getattr(node, "workeroutput", {}).get("counted", []))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if COUNTED:
        terminalreporter.write_line(
            f"packets that tried to leave the machine: {sum(COUNTED)} (counted by the guards of {len(COUNTED)} clouds)"
        )
