"""How a rule is written: a function of the call, registered for the actions that it guards."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from localcloud.api.errors import AwsError
from localcloud.api.request import Call

Rule = Callable[[Call], None]
RULES: dict[str, list[Rule]] = defaultdict(list)
# What belongs to another account or to AWS itself.
NOT_YOURS = ("AuthFailure", "You do not have permission to access the specified resource.")


def guards(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for actions by service:Action; service:* for every changing action of a service,
    service:? for every reading one."""

    def register(rule: Rule) -> Rule:
        for name in names:
            RULES[name].append(rule)
        return rule

    return register


def refuse_if(condition: object, code: str, message: str) -> None:
    if condition:
        raise AwsError(code, message)


def want_match(text: str | None, pattern: str, code: str, message: str) -> None:
    """Refuse a text that is given and does not match as a whole."""
    if text is not None and not re.fullmatch(pattern, text):
        raise AwsError(code, message)


def want_range(value: Any, least: float, most: float, code: str, message: str) -> None:
    """Refuse a number that is given and lies outside."""
    if value is not None and not least <= float(value) <= most:
        raise AwsError(code, message)


def walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Every named member of nested parameters: name and value."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield name, member
            yield from walk(member)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)
