"""What explains judgements, by the code that makes them: `aws iam simulate-principal-policy` and `simulate-custom-policy`,
and `aws sts decode-authorization-message`."""

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
    """Answer these actions, which moto does not have."""
    replace(TokenResponse, decode_authorization_message=_decode)
    replace(IamResponse, simulate_principal_policy=_principal_policy, simulate_custom_policy=_custom_policy)


def _decode(response: Any) -> ActionResult:
    return ActionResult({"DecodedMessage": judge.decode(response._get_param("EncodedMessage") or "")})


def _principal_policy(response: Any) -> ActionResult:
    arn = response._get_param("PolicySourceArn")
    iam = moto_state.iam()
    kinds = ((iam.users, principals.user), (iam.roles, principals.role))
    found = [make(one) for held, make in kinds for one in held.values() if one.arn == arn]
    found += [
        Principal(arn, {}, tuple(principals.policies_of(group))) for group in iam.groups.values() if group.arn == arn
    ]
    if not found:
        raise AwsError("NoSuchEntity", f"The entity {arn} cannot be found.", 404)
    [who] = found
    given, boundary = (
        _documents(response, "PolicyInputList"),
        _documents(response, "PermissionsBoundaryPolicyInputList"),
    )
    return _simulate(response, Principal(who.arn, who.context, (*who.policies, *given), boundary or who.boundary))


def _custom_policy(response: Any) -> ActionResult:
    boundary = _documents(response, "PermissionsBoundaryPolicyInputList")
    return _simulate(response, Principal("", {}, _documents(response, "PolicyInputList"), boundary or None))


def _documents(response: Any, name: str) -> tuple[Document, ...]:
    texts = response._get_param(name) or []
    return tuple(Document(text, f"{name}.{number}", "none") for number, text in enumerate(texts, 1))


def _simulate(response: Any, who: Principal) -> ActionResult:
    entries = response._get_param("ContextEntries") or []
    given = {one["ContextKeyName"].lower(): list(one.get("ContextKeyValues") or []) for one in entries}
    context = {**who.context, **given}
    results = [
        _result(who, action, resource, context)
        for action in response._get_param("ActionNames") or []
        for resource in response._get_param("ResourceArns") or ["*"]
    ]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _result(who: Principal, action: str, resource: str, context: dict[str, list[str]]) -> dict[str, Any]:
    found = judge.verdict(who, action, resource, context)
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": found.answer.value,
        "MatchedStatements": [{"SourcePolicyId": one.name, "SourcePolicyType": one.kind} for one in found.said.by],
        "MissingContextValues": sorted(_missing(who, action, resource, context)),
    }
    if found.boundary is not None:
        allowed = found.boundary.answer.value == "allowed"
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed}
    return result


def _missing(who: Principal, action: str, resource: str, context: dict[str, list[str]]) -> Iterator[str]:
    """Keys that the conditions of statements about this action look at and that nobody gave."""
    looked_at = {
        key
        for document in (*who.policies, *(who.boundary or ()))
        for statement in document.statements
        if named(statement, action, resource, context)
        for key in keys(statement.get("Condition", {}))
    }
    return (key for key in looked_at if key.lower() not in context)
