"""Checks every request against AWS's own service model: required members, enumerations, lengths, ranges, patterns.

boto3 checks types and required members before it sends, but neither enumerations nor lengths: AWS does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import Shape

from ..errors import AwsError
from ..request import Call

# Services whose models hold AWS's real limits in a form that AWS itself enforces, and the code with which it does.
CODES = {
    "ec2": ("InvalidParameterValue", "MissingParameter"),
    "elbv2": ("ValidationError", "ValidationError"),
    "rds": ("InvalidParameterValue", "MissingParameter"),
    "iam": ("ValidationError", "ValidationError"),
    "sts": ("ValidationError", "ValidationError"),
    "cloudwatch": ("ValidationError", "ValidationError"),
    "autoscaling": ("ValidationError", "ValidationError"),
    "sns": ("InvalidParameter", "InvalidParameter"),
    "ssm": ("ValidationException", "ValidationException"),
    "logs": ("InvalidParameterException", "InvalidParameterException"),
    "secretsmanager": ("ValidationException", "ValidationException"),
    "ecr": ("InvalidParameterException", "InvalidParameterException"),
    "acm": ("ValidationException", "ValidationException"),
    "kms": ("ValidationException", "ValidationException"),
    "dynamodb": ("ValidationException", "ValidationException"),
    "budgets": ("InvalidParameterException", "InvalidParameterException"),
    "resourcegroupstaggingapi": ("ValidationException", "ValidationException"),
    "ec2-instance-connect": ("InvalidArgsException", "InvalidArgsException"),
}

# Enumerations in the models that AWS itself takes more values for (newer instance types, zones, engines).
OPEN_ENUMERATIONS = {"InstanceType"}


# Java's classes of characters that Python's expressions have under another name: letters, digits, separators.
UNICODE = {r"\p{L}": r"\w", r"\p{N}": r"\w", r"\p{Z}": r"\s", r"\p{IsL}": r"\w"}


def check(call: Call) -> None:
    """Raise AwsError for the first member that the service model does not allow."""
    if call.service not in CODES or call.operation is None or call.operation.input_shape is None:
        return
    for where, problem, is_missing in _problems(call.operation.input_shape, call.parameters, ""):
        code = CODES[call.service][1 if is_missing else 0]
        if call.service == "ec2":
            raise AwsError(code, problem)
        raise AwsError(code, f"1 validation error detected: {problem}" if where else problem)


def _problems(shape: Any, value: Any, where: str) -> Iterator[tuple[str, str, bool]]:
    """where it is, what is wrong in AWS's words, whether it is missing."""
    if value is None:
        return
    if shape.type_name == "structure":
        yield from _structure(shape, value, where)
    elif shape.type_name == "list":
        yield from _bounds(shape, value, where, "length")
        for number, item in enumerate(value, 1):
            yield from _problems(shape.member, item, f"{where}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _problems(shape.key, key, f"{where}.key")
            yield from _problems(shape.value, item, f"{where}.{key}")
    elif shape.type_name == "string":
        yield from _string(shape, value, where)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _bounds(shape, value, where, "value")


def _structure(shape: Any, value: Any, where: str) -> Iterator[tuple[str, str, bool]]:
    for name in shape.required_members:
        if value.get(name) in (None, []):
            yield where, f"The request must contain the parameter {name}", True
    for name, member in shape.members.items():
        if name in value:
            lower = name[0].lower() + name[1:]
            yield from _problems(member, value[name], f"{where}.{lower}" if where else lower)


def _string(shape: Any, value: Any, where: str) -> Iterator[tuple[str, str, bool]]:
    text = value if isinstance(value, str) else str(value)
    if shape.enum and text not in shape.enum and shape.name not in OPEN_ENUMERATIONS:
        allowed = f"[{', '.join(shape.enum)}]"
        yield where, _constraint(text, where, f"Member must satisfy enum value set: {allowed}"), False
    yield from _bounds(shape, text, where, "length")
    pattern = _compiled(shape.metadata.get("pattern"))
    if pattern is not None and not pattern.fullmatch(text):
        expression = shape.metadata["pattern"]
        yield where, _constraint(text, where, f"Member must satisfy regular expression pattern: {expression}"), False


def _bounds(shape: Shape, value: Any, where: str, what: str) -> Iterator[tuple[str, str, bool]]:
    size = len(value) if what == "length" else value
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    name = "length" if what == "length" else "value"
    if least is not None and size < least:
        yield where, _constraint(value, where, f"Member must have {name} greater than or equal to {least}"), False
    if most is not None and size > most:
        yield where, _constraint(value, where, f"Member must have {name} less than or equal to {most}"), False


def _constraint(value: Any, where: str, rule: str) -> str:
    return f"Value '{value}' at '{where}' failed to satisfy constraint: {rule}"


@cache
def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    """The model's pattern for the whole text; None where there is none or it is written in Java's dialect."""
    flags = 0 if pattern and r"\p{" in pattern else re.ASCII  # Java's own \w and \d are those of ASCII
    for name, letters in UNICODE.items():
        pattern = (pattern or "").replace(name, letters)
    if not pattern or r"\p{" in pattern:
        return None
    try:
        return re.compile(
            pattern if "^" not in pattern else f"(?s:{pattern}.*)" if not pattern.endswith("$") else pattern,
            flags,
        )
    except re.error:
        return None
