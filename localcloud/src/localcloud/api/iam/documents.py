"""Policy documents, and their evaluation for one action on one resource."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

from .conditions import Context, fill, hold, like, listed, resource_like

MODERN = "2012-10-17"  # older documents have no variables


class Decision(Enum):
    """AWS's names for the result of an evaluation."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


@dataclass(frozen=True)
class Document:
    """name, kind: as the policy simulator reports them."""

    text: str
    name: str = "inline"
    kind: str = "IAM Policy"

    @property
    def content(self) -> dict[str, Any]:
        return _parsed(self.text)

    @property
    def statements(self) -> list[dict[str, Any]]:
        return listed(self.content["Statement"])


@lru_cache(maxsize=1024)
def _parsed(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


@dataclass(frozen=True)
class Evaluation:
    """The result for a set of policies. matched: the documents whose statements decided."""

    decision: Decision
    matched: tuple[Document, ...] = field(default=())


def judge(documents: Iterable[Document], action: str, resource: str, context: Context) -> Evaluation:
    """An explicit deny wins over an allow; without either, the result is an implicit deny."""
    allowing: list[Document] = []
    denying: list[Document] = []
    for document in documents:
        variables = document.content.get("Version") == MODERN
        for statement in document.statements:
            if applies(statement, action, resource, context, variables=variables):
                (allowing if statement["Effect"] == "Allow" else denying).append(document)
    if denying:
        return Evaluation(Decision.EXPLICIT_DENY, tuple(denying))
    return Evaluation(Decision.ALLOWED if allowing else Decision.IMPLICIT_DENY, tuple(allowing))


def applies(statement: dict[str, Any], action: str, resource: str, context: Context, *, variables: bool = True) -> bool:
    """Whether a statement matches this action on this resource in this context."""
    about = named(statement, action, resource, context, variables=variables)
    return about and hold(statement.get("Condition", {}), context, variables=variables)


def named(statement: dict[str, Any], action: str, resource: str, context: Context, *, variables: bool = True) -> bool:
    """Whether a statement's Action and Resource, or NotAction and NotResource, match."""
    actions = listed(statement.get("Action", statement.get("NotAction", [])))
    if any(like(str(pattern), action, ignore_case=True) for pattern in actions) != ("Action" in statement):
        return False
    if "Resource" not in statement and "NotResource" not in statement:
        return True  # a trust policy
    patterns = listed(statement.get("Resource", statement.get("NotResource")))
    filled = [fill(pattern, context) if variables else str(pattern) for pattern in patterns]
    return any(pattern is not None and resource_like(pattern, resource) for pattern in filled) == (
        "Resource" in statement
    )
