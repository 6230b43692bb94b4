"""Parameter Store, logs, alarms, buckets, secrets."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Address

from .. import moto_state
from ..errors import AwsError
from ..request import Call
from .rules import guards, refuse_if, want_match

STANDARD_BYTES, ADVANCED_BYTES = 4096, 8192
RETENTION_DAYS = {
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
}  # fmt: skip
SHORT_PERIODS = (10, 20, 30)
DAY, WEEK = 86400, 604800


@guards("ssm:PutParameter")
def a_parameter_is_well_named_and_not_too_long(call: Call) -> None:
    wish = call.parameters
    name, value = wish.get("Name", ""), wish.get("Value", "")
    most = ADVANCED_BYTES if wish.get("Tier") == "Advanced" else STANDARD_BYTES
    too_long = f"Standard tier parameters support a maximum parameter value of {most} characters."
    refuse_if(len(value.encode()) > most and wish.get("Tier") != "Intelligent-Tiering", "ValidationException", too_long)
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
    pattern = wish.get("AllowedPattern")
    refuse_if(
        pattern and not re.match(pattern, value),
        "ParameterPatternMismatchException",
        f"Parameter value, cannot be validated against allowedPattern: {pattern}",
    )
    refuse_if(
        wish.get("Tags") and wish.get("Overwrite"),
        "ValidationException",
        "Invalid request: tags and overwrite can't be used together.",
    )


@guards("logs:PutRetentionPolicy")
def retention_is_one_of_aws_days(call: Call) -> None:
    days = call.parameters.get("retentionInDays")
    refuse_if(
        days not in RETENTION_DAYS,
        "InvalidParameterException",
        f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
        f"Member must satisfy enum value set: {sorted(RETENTION_DAYS)}",
    )


@guards("cloudwatch:PutMetricAlarm")
def an_alarm_can_be_evaluated(call: Call) -> None:
    wish = call.parameters
    period, count = wish.get("Period"), wish.get("EvaluationPeriods")
    if period is not None:
        fits = int(period) in SHORT_PERIODS or (int(period) > 0 and int(period) % 60 == 0)
        refuse_if(not fits, "ValidationError", f"Period {period} must be 10, 20, 30 or a multiple of 60")
        longest = WEEK if int(period) >= 3600 else DAY
        refuse_if(
            int(period) * int(count or 1) > longest,
            "ValidationError",
            "Metrics cannot be checked across more than a day (or a week, with periods of an hour or more) "
            "(EvaluationPeriods * Period)",
        )
    points = wish.get("DatapointsToAlarm")
    refuse_if(
        points is not None and count is not None and int(points) > int(count),
        "ValidationError",
        "DatapointsToAlarm must be less than or equal to EvaluationPeriods",
    )
    refuse_if(
        wish.get("Statistic") and wish.get("ExtendedStatistic"),
        "InvalidParameterCombination",
        "Statistic and ExtendedStatistic cannot both be specified",
    )
    refuse_if(
        wish.get("MetricName") and not wish.get("Statistic") and not wish.get("ExtendedStatistic"),
        "ValidationError",
        "Exactly one element of the statistic, extended statistic list must be specified",
    )
    treat = wish.get("TreatMissingData")
    refuse_if(
        treat not in (None, "breaching", "notBreaching", "ignore", "missing"),
        "ValidationError",
        f"Option {treat} is not supported for parameter TreatMissingData",
    )
    for member in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        for arn in wish.get(member) or ():
            refuse_if(not arn.startswith("arn:"), "ValidationError", f"Invalid use of {member}: '{arn}' is not an ARN")


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


@guards("sns:CreateTopic")
def a_topic_is_well_named(call: Call) -> None:
    want_match(
        call.parameters.get("Name"),
        r"[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo",
        "InvalidParameter",
        "Invalid parameter: Topic Name",
    )


@guards("sns:Subscribe")
def a_subscription_has_a_protocol(call: Call) -> None:
    protocol = call.parameters.get("Protocol")
    known = ("http", "https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose")
    refuse_if(
        protocol not in known,
        "InvalidParameter",
        f"Invalid parameter: Does not support this protocol string: {protocol}",
    )


@guards("iam:CreateRole", "iam:UpdateAssumeRolePolicy")
def a_role_says_who_may_assume_it(call: Call) -> None:
    text = call.parameters.get("AssumeRolePolicyDocument") or call.parameters.get("PolicyDocument") or ""
    try:
        document = json.loads(text)
        statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
        complete = all("Principal" in one and "Action" in one and "Effect" in one for one in statements)
    except (ValueError, KeyError, TypeError) as error:
        raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json or has no Statement") from error
    refuse_if(not complete, "MalformedPolicyDocument", "Has prohibited or missing fields: Principal, Action, Effect")


@guards("iam:DeleteInstanceProfile")
def an_instance_profile_with_a_role_stays(call: Call) -> None:
    profiles = [
        one for one in moto_state.iam().instance_profiles.values() if one.name == call.parameters["InstanceProfileName"]
    ]
    refuse_if(
        any(one.roles for one in profiles),
        "DeleteConflict",
        "Cannot delete entity, must remove roles from instance profile first.",
    )


@guards("iam:AddRoleToInstanceProfile")
def an_instance_profile_has_one_role(call: Call) -> None:
    profiles = [
        one for one in moto_state.iam().instance_profiles.values() if one.name == call.parameters["InstanceProfileName"]
    ]
    refuse_if(
        any(one.roles for one in profiles),
        "LimitExceeded",
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
    )
