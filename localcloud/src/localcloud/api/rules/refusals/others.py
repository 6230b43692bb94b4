"""Parameter Store, buckets, secrets."""

from __future__ import annotations

import re
from ipaddress import IPv4Address

from moto.kms import kms_backends
from moto.ssm import ssm_backends

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.request import Call
from localcloud.settings import ACCOUNT_ID

from .rules import guards, refuse_if, want_match

STANDARD_BYTES, ADVANCED_BYTES = 4096, 8192


@guards("ssm:PutParameter")
def a_parameter_is_well_named_and_not_too_long(call: Call) -> None:
    params = call.parameters
    name, value = params.get("Name", ""), params.get("Value", "")
    most = ADVANCED_BYTES if params.get("Tier") == "Advanced" else STANDARD_BYTES
    too_long = f"Standard tier parameters support a maximum parameter value of {most} characters."
    refuse_if(
        len(value.encode()) > most and params.get("Tier") != "Intelligent-Tiering", "ValidationException", too_long
    )
    refuse_if(
        not value,
        "ValidationException",
        "1 validation error detected: Value '' at 'value' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1.",
    )
    want_match(
        name,
        r"[a-zA-Z0-9_.\-/]{1,1011}",
        "ValidationException",
        f"Parameter name: {name} can only contain a-zA-Z0-9_.-/",
    )
    refuse_if(
        "/" in name and not name.startswith("/"),
        "ValidationException",
        "Parameter name must be a fully qualified name.",
    )
    refuse_if(
        name.strip("/").count("/") >= 15, "HierarchyLevelLimitExceededException", "A hierarchy has at most 15 levels."
    )
    refuse_if("//" in name or name.endswith("/"), "ValidationException", f"Parameter name: {name} has an empty level")
    refuse_if(
        re.match(r"/?(aws|ssm)", name, re.IGNORECASE),
        "ValidationException",
        'Parameter name: can\'t be prefixed with "ssm" (case-insensitive) or "aws".',
    )
    refuse_if(params.get("Type") is None and not _exists(call, name), "ValidationException", _TYPE_NEEDED)
    key = params.get("KeyId")
    refuse_if(key and params.get("Type") != "SecureString", "ValidationException", _KEY_FOR_SECURE_STRINGS)
    refuse_if(key and not knows_key(call.region, key), "InvalidKeyId", f"Invalid keyId {key}")
    pattern = params.get("AllowedPattern")
    want_regular_expression(pattern)
    refuse_if(
        pattern and not re.match(pattern, value),
        "ParameterPatternMismatchException",
        f"Parameter value, cannot be validated against allowedPattern: {pattern}",
    )
    refuse_if(
        params.get("Tags") and params.get("Overwrite"),
        "ValidationException",
        "Invalid request: tags and overwrite can't be used together.",
    )


_TYPE_NEEDED = "A parameter type is required when you create a parameter."
_KEY_FOR_SECURE_STRINGS = "KeyId is required for SecureString type parameter only."


def _exists(call: Call, name: str) -> bool:
    return bool(ssm_backends[ACCOUNT_ID][call.region]._parameters.get(name))


def knows_key(region: str, key: str) -> bool:
    """Whether KMS has the key, by id, ARN or alias. Every service's own alias (alias/aws/...) is there from the start."""
    name = key.rsplit(":", 1)[-1]
    if name.startswith("alias/aws/"):
        return True
    kms = kms_backends[ACCOUNT_ID][region]
    return name.removeprefix("key/") in kms.keys or any(name in one.aliases for one in kms.keys.values())


def want_regular_expression(pattern: str | None) -> None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise AwsError("InvalidAllowedPatternException", f"Invalid allowed pattern: {pattern}") from error


@guards("ssm:GetParametersByPath")
def a_path_begins_at_the_root(call: Call) -> None:
    path = call.parameters.get("Path", "")
    refuse_if(
        not path.startswith("/"),
        "ValidationException",
        "The parameter path must begin with a forward slash /, for example /Dev.",
    )


@guards("s3:CreateBucket")
def a_bucket_is_in_a_region(call: Call) -> None:
    found = _CONSTRAINT.search(call.body.decode(errors="replace"))
    refuse_if(
        found and found.group(1) not in moto_state.regions(),
        "InvalidLocationConstraint",
        "The specified location-constraint is not valid",
    )


_CONSTRAINT = re.compile(r"<LocationConstraint>([^<]*)</LocationConstraint>")


KEY_BYTES = 1024


@guards("s3:PutObject", "s3:CopyObject", "s3:CreateMultipartUpload")
def an_objects_key_is_not_too_long(call: Call) -> None:
    size = len(str(call.parameters.get("Key") or "").encode())
    refuse_if(size > KEY_BYTES, "KeyTooLongError", "Your key is too long")


@guards("s3:CreateBucket")
def a_bucket_is_well_named(call: Call) -> None:
    name = call.parameters.get("Bucket") or call.path.strip("/").split("/")[0]
    shape = re.fullmatch(r"[a-z0-9](?:[a-z0-9-]|\.(?=[a-z0-9]))+[a-z0-9]", name) and 3 <= len(name) <= 63
    reserved = name.startswith(("xn--", "sthree-", "amzn-s3-demo-")) or name.endswith(
        ("-s3alias", "--ol-s3", ".mrap", "--x-s3")
    )
    refuse_if(
        not shape or reserved or "-." in name or _is_address(name),
        "InvalidBucketName",
        "The specified bucket is not valid.",
    )


def _is_address(name: str) -> bool:
    try:
        IPv4Address(name)
    except ValueError:
        return False
    return True


@guards("secretsmanager:CreateSecret")
def a_secret_is_well_named(call: Call) -> None:
    want_match(
        call.parameters.get("Name"),
        r"[A-Za-z0-9/_+=.@\-!]{1,512}",
        "ValidationException",
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    )


@guards("secretsmanager:CreateSecret", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret")
def a_secret_is_text_or_bytes(call: Call) -> None:
    refuse_if(
        call.parameters.get("SecretString") is not None and call.parameters.get("SecretBinary") is not None,
        "InvalidParameterException",
        "You can't specify both a binary secret value and a string secret value in the same secret.",
    )
