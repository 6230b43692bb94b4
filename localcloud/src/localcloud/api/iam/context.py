"""The context keys of a request: AWS's global keys, and service keys that policies use."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from localcloud.settings import ACCOUNT_ID

from ..request import Call
from . import lookup
from .resources import Resource

Keys = dict[str, list[str]]


def of_request(call: Call) -> Keys:
    """Keys that are the same for every resource of a call."""
    now = datetime.now(UTC)
    return {
        "aws:currenttime": [now.strftime("%Y-%m-%dT%H:%M:%SZ")],
        "aws:epochtime": [str(int(time.time()))],
        "aws:requestedregion": [call.region],
        "aws:securetransport": ["true"],  # on AWS every call comes over TLS
        "aws:sourceip": [str(call.environ.get("REMOTE_ADDR", ""))],
        "aws:useragent": [str(call.environ.get("HTTP_USER_AGENT", ""))],
        "aws:viaawsservice": ["false"],
        "aws:principalisawsservice": ["false"],
        "ec2:region": [call.region],
        "sts:externalid": _one(call.parameters.get("ExternalId")),
        "sts:rolesessionname": _one(call.parameters.get("RoleSessionName")),
        "iam:awsservicename": _one(call.parameters.get("AWSServiceName")),
        "iam:permissionsboundary": _one(call.parameters.get("PermissionsBoundary")),
        "iam:policyarn": _one(call.parameters.get("PolicyArn")),
        "ec2:instancetype": _one(call.parameters.get("InstanceType")),
        "ssm:overwrite": _one(call.parameters.get("Overwrite")),
        "ssm:recursive": _one(call.parameters.get("Recursive")),
        "elasticloadbalancing:scheme": _one(call.parameters.get("Scheme")),
        "rds:databaseengine": _one(call.parameters.get("Engine")),
        "rds:databaseclass": _one(call.parameters.get("DBInstanceClass")),
        "s3:prefix": _one(call.parameters.get("Prefix")),
    }


def _one(value: Any) -> list[str]:
    return [] if value is None else [str(value).lower() if isinstance(value, bool) else str(value)]


def of_resource(action: str, resource: Resource, region: str, parameters: dict[str, Any]) -> Keys:
    """Tags of the resource and the request, if AWS has these keys for the action on this resource type."""
    service = action.partition(":")[0]
    keys: Keys = {"aws:resourceaccount": [ACCOUNT_ID]} if resource.arn != "*" else {}
    if "aws:resourcetag/" in resource.keys:
        for key, value in lookup.tags(service, resource.kind, resource.arn, region).items():
            for prefix in (
                "aws:resourcetag",
                f"{service}:resourcetag",
                *(["ssm:resourcetag"] if service == "ssm" else []),
            ):
                keys[f"{prefix}/{key.lower()}"] = [value]
    if "aws:requesttag/" in resource.keys:
        asked = requested_tags(parameters, resource.kind if service == "ec2" else "")
        keys |= {f"aws:requesttag/{key.lower()}": [value] for key, value in asked.items()}
        keys["aws:tagkeys"] = list(asked)
    return keys


def requested_tags(parameters: dict[str, Any], kind: str) -> dict[str, str]:
    """The tags in a call. kind: the resource type to select in TagSpecifications."""
    given = [parameters.get("Tags") or parameters.get("tags") or []]
    specs = parameters.get("TagSpecifications", ())
    given += [spec.get("Tags", []) for spec in specs if spec.get("ResourceType") == kind]
    if isinstance(given[0], dict):
        return dict(given[0])
    found = {
        tag.get("Key") or tag.get("TagKey"): tag.get("Value", tag.get("TagValue", ""))
        for group in given
        for tag in group
    }
    found |= dict.fromkeys(parameters.get("TagKeys") or (), "")
    return {str(key): str(value or "") for key, value in found.items()}
