"""When databases are backed up and maintained."""

from __future__ import annotations

import re
from typing import Any

from localcloud.api.errors import AwsError
from localcloud.api.request import Call

from .databases import CREATES, existing
from .rules import guards, refuse_if

DAYS = "(mon|tue|wed|thu|fri|sat|sun)"
TIME = r"([01]\d|2[0-3]):([0-5]\d)"
DAY_MINUTES, WEEK_MINUTES = 1440, 7 * 1440
SHORTEST_WINDOW = 30


@guards(*CREATES, "rds:ModifyDBInstance")
def windows_are_half_an_hour_and_apart(call: Call) -> None:
    params = call.parameters
    backup, maintenance = params.get("PreferredBackupWindow"), params.get("PreferredMaintenanceWindow")
    if call.action == "ModifyDBInstance" and (backup or maintenance):
        there = existing(call)
        backup = backup or there.preferred_backup_window
        maintenance = maintenance or there.preferred_maintenance_window
    spans = []
    if backup is not None:
        found = re.fullmatch(f"{TIME}-{TIME}", backup)
        spans.append(_span("backup", backup, found and found.groups(), DAY_MINUTES))
    if maintenance is not None:
        found = re.fullmatch(f"{DAYS}:{TIME}-{DAYS}:{TIME}", maintenance, re.IGNORECASE)
        spans.append(_span("maintenance", maintenance, found and found.groups(), WEEK_MINUTES))
    if len(spans) == 2:
        minutes = [{(start + n) % DAY_MINUTES for n in range(length)} for start, length in spans]
        refuse_if(
            minutes[0] & minutes[1],
            "InvalidParameterValue",
            "The backup window and maintenance window must not overlap.",
        )


def _span(what: str, text: str, parts: Any, cycle: int) -> tuple[int, int]:
    """First minute and length of a window."""
    message = (
        f"The {what} window '{text}' is not valid: it must be at least {SHORTEST_WINDOW} minutes, written as AWS does."
    )
    if not parts:
        raise AwsError("InvalidParameterValue", message)
    half = len(parts) // 2
    first, last = (_minute(parts[:half]), _minute(parts[half:]))
    length = (last - first) % cycle
    refuse_if(length < SHORTEST_WINDOW, "InvalidParameterValue", message)
    return first, length


def _minute(parts: Any) -> int:
    *day, hour, minute = parts
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return (names.index(day[0].lower()) * DAY_MINUTES if day else 0) + int(hour) * 60 + int(minute)
