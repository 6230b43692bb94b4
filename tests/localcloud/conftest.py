"""Says at the end of the run what the guards of all its clouds have counted."""

from __future__ import annotations

from typing import Any

from .dataplane.lab import COUNTED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if COUNTED:
        terminalreporter.write_line(
            f"packets that tried to leave the machine: {sum(COUNTED)} (counted by the guards of {len(COUNTED)} clouds)"
        )
