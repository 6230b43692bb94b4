"""The IAM policy simulator and sts:DecodeAuthorizationMessage, by the same code that authorizes calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse
from moto.sts.responses import TokenResponse

from ..errors import AwsError
from ..moto import moto_state
from ..moto.patching import replace
from . import judge, principals
from .conditions import keys
from .documents import Document, named
from .principals import Principal


def apply() -> None:
    """Add these actions, which moto lacks."""
    replace(TokenResponse, decode_authorization_message=_decode)
    replace(IamResponse, simulate_principal_policy=_principal_policy, simulate_custom_policy=_custom_policy)


def _decode(response: Any) -> ActionResult:
    return ActionResult({"DecodedMessage": judge.decode(response._get_param("EncodedMessage") or "")})


def _principal_policy(response: Any) -> ActionResult:
    arn = response._get_param("PolicySourceArn")
    iam = moto_state.iam()
    kinds = ((iam.users, principals.user), (iam.roles, principals.role))
    found = [make(holder) for held, make in kinds for holder in held.values() if holder.arn == arn]
    found += [
        Principal(arn, {}, tuple(principals.policies_of(group))) for group in iam.groups.values() if group.arn == arn
    ]
    if not found:
        raise AwsError("NoSuchEntity", f"The entity {arn} cannot be found.", 404)
    [principal] = found
    given, boundary = (
        _documents(response, "PolicyInputList"),
        _documents(response, "PermissionsBoundaryPolicyInputList"),
    )
    return _simulate(
        response,
        Principal(principal.arn, principal.context, (*principal.policies, *given), boundary or principal.boundary),
    )


def _custom_policy(response: Any) -> ActionResult:
    boundary = _documents(response, "PermissionsBoundaryPolicyInputList")
    return _simulate(response, Principal("", {}, _documents(response, "PolicyInputList"), boundary or None))


def _documents(response: Any, name: str) -> tuple[Document, ...]:
    texts = response._get_param(name) or []
    return tuple(Document(text, f"{name}.{number}", "none") for number, text in enumerate(texts, 1))


def _simulate(response: Any, principal: Principal) -> ActionResult:
    entries = response._get_param("ContextEntries") or []
    given = {entry["ContextKeyName"].lower(): list(entry.get("ContextKeyValues") or []) for entry in entries}
    context = {**principal.context, **given}
    results = [
        _result(principal, action, resource, context)
        for action in response._get_param("ActionNames") or []
        for resource in response._get_param("ResourceArns") or ["*"]
    ]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _result(principal: Principal, action: str, resource: str, context: dict[str, list[str]]) -> dict[str, Any]:
    found = judge.verdict(principal, action, resource, context)
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": found.decision.value,
        "MatchedStatements": [
            {"SourcePolicyId": policy.name, "SourcePolicyType": policy.kind} for policy in found.evaluation.matched
        ],
        "MissingContextValues": sorted(_missing(principal, action, resource, context)),
    }
    if found.boundary is not None:
        allowed = found.boundary.decision.value == "allowed"
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed}
    return result


def _missing(principal: Principal, action: str, resource: str, context: dict[str, list[str]]) -> Iterator[str]:
    """Keys that the conditions of matching statements use and the context lacks."""
    looked_at = {
        key
        for document in (*principal.policies, *(principal.boundary or ()))
        for statement in document.statements
        if named(statement, action, resource, context)
        for key in keys(statement.get("Condition", {}))
    }
    return (key for key in looked_at if key.lower() not in context)
