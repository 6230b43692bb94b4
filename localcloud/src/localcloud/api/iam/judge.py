"""Authorizes a call for its signer, and renders AWS's refusal."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import AwsError
from ..moto import launch_templates, moto_state
from ..request import SERVICES, Call
from . import context, dependent_rights, documents, principals, resources
from .conditions import listed
from .documents import Decision, Document, Evaluation
from .principals import Principal

# Service prefixes in policies that differ from boto3's names: as in signatures, except for these.
_PREFIXES = {boto: signed for signed, boto in SERVICES.items()}
_PREFIXES |= {"cloudwatch": "cloudwatch", "elb": "elasticloadbalancing", "resourcegroupstaggingapi": "tag"}
# S3 permissions that differ from the operation's name.
_S3 = {
    "ListBuckets": "ListAllMyBuckets", "ListObjects": "ListBucket", "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket", "ListObjectVersions": "ListBucketVersions", "HeadObject": "GetObject",
    "CopyObject": "PutObject", "CreateMultipartUpload": "PutObject", "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject", "DeleteObjects": "DeleteObject",
    "GetBucketEncryption": "GetEncryptionConfiguration", "PutBucketEncryption": "PutEncryptionConfiguration",
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """reason: the end of AWS's message about a refusal."""

    decision: Decision
    evaluation: Evaluation
    boundary: Evaluation | None
    reason: str = ""


def verdict(principal: Principal, action: str, resource: str, keys: Mapping[str, list[str]]) -> Verdict:
    """Combine all policies: no explicit deny anywhere, and an allow from identity, boundary and session."""
    kinds = {
        "identity-based policy": principal.policies,
        "permissions boundary": principal.boundary,
        "session policy": principal.session,
    }
    evaluations = {
        kind: documents.judge(policies, action, resource, keys)
        for kind, policies in kinds.items()
        if policies is not None
    }
    own, boundary = evaluations["identity-based policy"], evaluations.get("permissions boundary")
    for kind, result in evaluations.items():
        if result.decision is Decision.EXPLICIT_DENY:
            article = "an" if kind.startswith("i") else "a"
            return Verdict(result.decision, result, boundary, f"with an explicit deny in {article} {kind}")
    for kind, result in evaluations.items():
        if result.decision is not Decision.ALLOWED:
            return Verdict(result.decision, result, boundary, f"because no {kind} allows the {action} action")
    return Verdict(Decision.ALLOWED, own, boundary)


def check(call: Call) -> None:
    """Raise AwsError for the first permission that the signer lacks."""
    principal = principals.of_key(str(call.access_key))
    if principal.is_administrator:
        return
    call = _whole(call)
    name = _S3.get(call.action, call.action) if call.service == "s3" else call.action
    own = f"{_PREFIXES.get(call.service, call.service)}:{name}"
    common = {**context.of_request(call), **principal.context}
    for resource in resources.of(own, call.parameters, call.region):
        _need(call, principal, own, resource, common)
    for right in dependent_rights.of(call):
        touched = [resources.for_action(right.action, arn) for arn in right.arns]
        touched = touched or resources.of(right.action, call.parameters, call.region, made=right.made)
        for resource in touched:
            if right.kinds and resource.kind not in right.kinds:
                continue
            _need(call, principal, right.action, resource, {**common, **right.context})


def _whole(call: Call) -> Call:
    try:
        return launch_templates.fill(call)
    except AwsError:  # a missing template is reported later
        return call


def _need(call: Call, principal: Principal, action: str, resource: resources.Resource, common: dict[str, Any]) -> None:
    keys = {**common, **context.of_resource(action, resource, call.region, call.parameters)}
    found = verdict(principal, action, resource.arn, keys)
    if action == "sts:AssumeRole" and found.decision is Decision.IMPLICIT_DENY and _trusts(resource.arn, principal):
        return
    if found.decision is not Decision.ALLOWED:
        raise _refusal(call, principal, action, resource.arn, found)


def _trusts(arn: str, principal: Principal) -> bool:
    """A role that trusts this principal by ARN needs no policy of the principal; the trust is checked later."""
    role = next((role for role in moto_state.iam().roles.values() if role.arn == arn), None)
    trust = Document(principals.text_of(role.assume_role_policy_document)).statements if role is not None else []
    named = [
        statement["Principal"].get("AWS", []) for statement in trust if isinstance(statement.get("Principal"), dict)
    ]
    return bool(
        {arn for arns in named for arn in listed(arns)} & {principal.arn, *principal.context["aws:principalarn"]}
    )


def _refusal(call: Call, principal: Principal, action: str, resource: str, found: Verdict) -> AwsError:
    """The refusal in the format of the called service."""
    on = "" if resource == "*" else f" on resource: {resource}"
    message = f"User: {principal.arn} is not authorized to perform: {action}{on} {found.reason}"
    if call.service == "ec2":
        encoded = encode(
            {
                "allowed": False,
                "explicitDeny": found.decision is Decision.EXPLICIT_DENY,
                "matchedStatements": {"items": []},
                "failures": {"items": []},
                "context": {"principal": {"arn": principal.arn}, "action": action, "resource": resource},
            }
        )
        return AwsError(
            "UnauthorizedOperation",
            f"You are not authorized to perform this operation. {message}. Encoded authorization failure message: {encoded}",
            403,
        )
    if call.service == "s3":
        return AwsError("AccessDenied", message, 403)
    if call.protocol in ("json", "rest-json", "smithy-rpc-v2-cbor"):
        return AwsError("AccessDeniedException", message, 400)
    return AwsError("AccessDenied", message, 403)


def encode(content: dict[str, Any]) -> str:
    """Encode the details of a refusal, for sts:DecodeAuthorizationMessage."""
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(content).encode())).decode().rstrip("=")


def decode(text: str) -> str:
    """Raises AwsError InvalidAuthorizationMessageException if the text is not an encoded refusal."""
    try:
        return zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).decode()
    except (ValueError, zlib.error) as error:
        raise AwsError("InvalidAuthorizationMessageException", "Message is not valid.") from error
