"""The Condition element: its operators, and how they compare with the values of a request.

From "IAM JSON policy elements: Condition operators" and "Set operators for multi-valued context keys" of AWS's IAM guide.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

Context = Mapping[str, list[str]]
Test = Callable[[str, str], bool]
_IF_EXISTS = "ifexists"
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


class UnknownOperatorError(ValueError):
    """A policy uses an operator that AWS does not have."""


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """A JSON value as policies compare it: true, not True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=4096)
def _pattern(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """A regular expression for * and ?. Literal wildcards from a variable come escaped by \\0."""
    parts = re.findall(r"\0.|.", pattern, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    return re.compile(
        "".join(wild.get(part) or re.escape(part[-1]) for part in parts),
        re.DOTALL | (re.IGNORECASE if ignore_case else 0),
    )


def like(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    return _pattern(pattern, ignore_case=ignore_case).fullmatch(value) is not None


def _plain(wanted: str) -> str:
    return wanted.replace("\0", "")


def arn_like(pattern: str, value: str) -> bool:
    """Compare each of the six parts, so that * does not match across a colon, except in the last."""
    wanted, found = pattern.split(":", 5), value.split(":", 5)
    return len(wanted) == len(found) == 6 and all(like(*pair) for pair in zip(wanted, found, strict=True))


def resource_like(pattern: str, value: str) -> bool:
    """Compare as AWS does for Resource: missing parts of an ARN match anything."""
    if not pattern.startswith("arn:"):
        return like(pattern, value)
    return arn_like(":".join([*pattern.split(":", 5), *"*****"][:6]), value)


def _date(value: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _by(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Test:
    """Compare both values as parsed by read(); values that cannot be parsed do not match."""

    def test(wanted: str, found: str) -> bool:
        try:
            return compare(read(_plain(wanted)), read(found))
        except ValueError:
            return False

    return test


def _in_network(wanted: str, found: str) -> bool:
    try:
        return ipaddress.ip_address(found) in ipaddress.ip_network(_plain(wanted), strict=False)
    except ValueError:
        return False


def _orders(name: str, read: Callable[[str], Any]) -> dict[str, Test]:
    return {
        f"{name}equals": _by(read, lambda wanted, found: bool(found == wanted)),
        f"{name}lessthan": _by(read, lambda wanted, found: bool(found < wanted)),
        f"{name}lessthanequals": _by(read, lambda wanted, found: bool(found <= wanted)),
        f"{name}greaterthan": _by(read, lambda wanted, found: bool(found > wanted)),
        f"{name}greaterthanequals": _by(read, lambda wanted, found: bool(found >= wanted)),
    }


TESTS: dict[str, Test] = {
    "stringequals": lambda wanted, found: _plain(wanted) == found,
    "stringequalsignorecase": lambda wanted, found: _plain(wanted).casefold() == found.casefold(),
    "stringlike": like,
    "arnequals": arn_like,
    "arnlike": arn_like,
    "bool": lambda wanted, found: _plain(wanted).lower() == found.lower(),
    "binaryequals": _by(base64.b64decode, lambda wanted, found: bool(wanted == found)),
    "ipaddress": _in_network,
    **_orders("numeric", float),
    **_orders("date", _date),
}
NEGATED = {
    "stringnotequals": "stringequals", "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike", "arnnotequals": "arnequals", "arnnotlike": "arnlike",
    "numericnotequals": "numericequals", "datenotequals": "dateequals", "notipaddress": "ipaddress",
}  # fmt: skip


def fill(pattern: Any, context: Context) -> str | None:
    """Fill in policy variables. None if one has no value: such a text matches nothing."""
    whole, missing = text(pattern), False

    def put(match: re.Match[str]) -> str:
        nonlocal missing
        key, _, default = (part.strip() for part in match[1].partition(","))
        if key in ("*", "?", "$"):
            return f"\0{key}"
        values = context.get(key.lower()) or ([default.strip("'")] if default else [])
        missing = missing or len(values) != 1
        return re.sub(r"([*?])", "\0\\1", values[0]) if values else ""

    filled = _VARIABLE.sub(put, whole)
    return None if missing else filled


def hold(conditions: Mapping[str, Mapping[str, Any]], context: Context, *, variables: bool = True) -> bool:
    """Whether all conditions are true. context: values by lower-case key."""
    return all(
        _holds(operator, key, listed(wanted), context, variables)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, key: str, wanted: list[Any], context: Context, variables: bool) -> bool:
    quantifier, _, name = operator.lower().rpartition(":")
    found = context.get(key.lower(), [])
    if name == "null":
        return (not found) in {text(value).lower() == "true" for value in wanted}
    if_exists, name = name.endswith(_IF_EXISTS), name.removesuffix(_IF_EXISTS)
    negated = name in NEGATED
    test = TESTS.get(NEGATED.get(name, name))
    if test is None or quantifier not in ("", "forallvalues", "foranyvalue"):
        raise UnknownOperatorError(operator)
    if not found:
        return quantifier == "forallvalues" or (quantifier == "" and (negated or if_exists)) or if_exists
    patterns = [fill(value, context) if variables else text(value) for value in wanted]
    met = [any(pattern is not None and test(pattern, value) for pattern in patterns) != negated for value in found]
    # Without a quantifier, a multi-valued key matches if any value does; a negated operator, if none does.
    return all(met) if quantifier == "forallvalues" or (negated and not quantifier) else any(met)


def keys(conditions: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The context keys that the conditions use."""
    return {key for keys in conditions.values() for key in keys}
