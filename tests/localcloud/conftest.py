"""Says at the end of the run what the guards of all its clouds have counted."""

from __future__ import annotations

from typing import Any

import pytest

from .dataplane.lab import COUNTED


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands over what it has counted."""
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
