"""Tags, in every service that has them: length, number, reserved and repeated keys."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.request import Call

from .rules import guards, refuse_if, walk

MOST = 50
RDS = re.compile(r"[\w\s.:/=+\-@]*")  # RDS API Reference, Tag
CODES = {
    "ec2": ("InvalidParameterValue", "TagLimitExceeded", "InvalidParameterValue"),
    "elbv2": ("ValidationError", "TooManyTags", "DuplicateTagKeys"),
    "rds": ("InvalidParameterValue", "InvalidParameterValue", "InvalidParameterValue"),
    "iam": ("InvalidInput", "LimitExceeded", "InvalidInput"),
    "ssm": ("ValidationException", "TooManyTagsError", "ValidationException"),
    "logs": ("InvalidParameterException", "TooManyTagsException", "InvalidParameterException"),
    "secretsmanager": ("InvalidParameterException", "LimitExceededException", "InvalidParameterException"),
    "cloudwatch": ("ValidationError", "ValidationError", "ValidationError"),
    "kms": ("TagException", "TagException", "TagException"),
    "sns": ("InvalidParameter", "TagLimitExceeded", "InvalidParameter"),
}


@guards(*(f"{service}:*" for service in CODES))
def tags_are_well_formed(call: Call) -> None:
    if "Untag" in call.action or call.action.startswith(("Delete", "Remove")):
        return
    invalid, too_many, repeated = CODES[call.service]
    for name, value in walk(call.parameters):
        if name not in ("Tags", "tags", "TagSet"):
            continue
        pairs = _pairs(value)
        refuse_if(len(pairs) > MOST, too_many, f"Number of tags exceeds the limit of {MOST}.")
        for key, count in Counter(key for key, _ in pairs).items():
            refuse_if(count > 1, repeated, f"Duplicate tag key '{key}' specified.")
        for key, text in pairs:
            refuse_if(
                call.service == "rds"
                and not (RDS.fullmatch(key) and RDS.fullmatch(text) and not key.startswith("rds:")),
                invalid,
                f"Tag '{key}': keys and values hold letters, digits, spaces and _.:/=+-@, and no key begins with 'rds:'.",
            )
            refuse_if(
                key.lower().startswith("aws:"),
                invalid,
                f"Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use",
            )
            refuse_if(not 1 <= len(key) <= 128, invalid, f"Tag key '{key}' must be 1 to 128 characters long.")
            refuse_if(
                len(text) > 256, invalid, f"The value of tag '{key}' exceeds the maximum length of 256 characters."
            )


# Kinds of database resources, as their ARNs write them: where moto keeps them, and the code for what is not there.
DATABASE_RESOURCES = {
    "db": ("databases", "DBInstanceNotFound"),
    "snapshot": ("database_snapshots", "DBSnapshotNotFound"),
    "subgrp": ("subnet_groups", "DBSubnetGroupNotFoundFault"),
    "pg": ("db_parameter_groups", "DBParameterGroupNotFound"),
}


@guards("rds:AddTagsToResource", "rds:RemoveTagsFromResource", "rds:ListTagsForResource")
def a_tagged_database_resource_exists(call: Call) -> None:
    arn = call.parameters.get("ResourceName", "")
    found = re.fullmatch(r"arn:aws:rds:[a-z0-9-]+:\d{12}:([a-z-]+):(.+)", arn)
    if found is None:
        raise AwsError("InvalidParameterValue", f"Invalid resource name: {arn}")
    kind, name = found.groups()
    if kind not in DATABASE_RESOURCES or name.startswith("default."):
        return
    table, code = DATABASE_RESOURCES[kind]
    refuse_if(name.lower() not in getattr(moto_state.rds(call.region), table), code, f"{arn} not found.")


TAGGABLE = {
    "RunInstances": {"instance", "volume", "network-interface", "spot-instances-request", "elastic-gpu"},
    "CreateVpc": {"vpc"},
    "CreateSubnet": {"subnet"},
    "CreateRouteTable": {"route-table"},
    "CreateInternetGateway": {"internet-gateway"},
    "CreateNatGateway": {"natgateway"},
    "CreateSecurityGroup": {"security-group"},
    "AllocateAddress": {"elastic-ip"},
    "CreateKeyPair": {"key-pair"},
    "ImportKeyPair": {"key-pair"},
    "CreateVolume": {"volume"},
    "CreateNetworkInterface": {"network-interface"},
    "CreateVpcEndpoint": {"vpc-endpoint"},
}


@guards(*(f"ec2:{action}" for action in TAGGABLE))
def tags_are_for_what_the_call_makes(call: Call) -> None:
    for specification in call.parameters.get("TagSpecifications") or ():
        kind = specification.get("ResourceType")
        refuse_if(
            kind not in TAGGABLE[call.action],
            "InvalidParameterValue",
            f"'{kind}' is not a valid taggable resource type for this operation.",
        )


def _pairs(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [(str(key), str(text or "")) for key, text in value.items()]
    return [
        (str(one.get("Key", one.get("TagKey", ""))), str(one.get("Value", one.get("TagValue")) or ""))
        for one in value or ()
        if isinstance(one, dict)
    ]
