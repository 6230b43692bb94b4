"""Refusals of further kinds, with their accepted twins: IAM, STS, Parameter Store, logs, alarms, buckets, signatures."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from moto.sts import sts_backends

from localcloud.settings import ACCOUNT_ID

from ..helpers import Clients, World, refused
from .test_refusals import Row, alarm, refuse_and_accept, role

NOBODY = "arn:aws:iam::123456789012:role/nobody"


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


TRUST = {"Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"}}
PERMIT = {"Action": "s3:Get*", "Resource": "*"}


def trust(refused: str, accepted: str | None = None) -> Row:
    return Row(
        "iam",
        "create_role",
        "MalformedPolicyDocument",
        lambda w, n: {"RoleName": n, "AssumeRolePolicyDocument": refused},
        lambda w, n: {"RoleName": n, "AssumeRolePolicyDocument": accepted or document(**TRUST)},
    )


def policy(code: str, refused: str, accepted: str | None = None) -> Row:
    return Row(
        "iam",
        "create_policy",
        code,
        lambda w, n: {"PolicyName": n, "PolicyDocument": refused},
        lambda w, n: {"PolicyName": n, "PolicyDocument": accepted or document(**PERMIT)},
    )


def parameter(code: str, refused: dict[str, Any], accepted: dict[str, Any]) -> Row:
    plain = {"Value": "x", "Type": "String"}

    def params(name: str, given: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in {"Name": f"/{name}", **plain, **given}.items() if value is not None}

    return Row("ssm", "put_parameter", code, lambda w, n: params(n, refused), lambda w, n: params(n, accepted))


def metric_alarm(code: str, **refused: Any) -> Row:
    return Row(
        "cloudwatch",
        "put_metric_alarm",
        code,
        lambda w, n: {key: value for key, value in {**alarm(n, 60), **refused}.items() if value is not None},
        lambda w, n: alarm(n, 60),
    )


def other(service: str, action: str, code: str, refused: dict[str, Any], accepted: dict[str, Any] | None) -> Row:
    return Row(service, action, code, lambda w, n: refused, None if accepted is None else lambda w, n: accepted)


ROWS = {
    "user with ü": other("iam", "create_user", "ValidationError", {"UserName": "jürgen"}, {"UserName": "juergen+=,.@-_"}),
    "trust with an effect that is none": trust(document(**TRUST).replace("Allow", "Perhaps")),
    "trust with a resource": trust(document(**TRUST, Resource="*")),
    "trust of another year": trust(document(**TRUST).replace("2012-10-17", "2020-01-01")),
    "trust in another action": trust(
        document(**{**TRUST, "Action": "s3:GetObject"}), document(**{**TRUST, "Action": ["sts:AssumeRole", "sts:TagSession"]})
    ),
    "trust without statements": trust(json.dumps({"Version": "2012-10-17", "Statement": []})),
    "trust in a service that is none": trust(
        document(Action="sts:AssumeRole", Principal={"Service": "ec2"}),
        document(Action="sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"}),
    ),
    "policy with a principal": policy("MalformedPolicyDocument", document(**PERMIT, Principal="*")),
    "policy without a resource": policy("MalformedPolicyDocument", document(Action="s3:*")),
    "policy with an action of nobody": policy("MalformedPolicyDocument", document(Action="get", Resource="*")),
    "policy on a resource that is none": policy(
        "MalformedPolicyDocument", document(Action="s3:*", Resource="bucket"), document(Action="*", Resource="arn:aws:s3:::b/*")
    ),
    "policy of more than 6144 letters": policy(
        "LimitExceeded",
        document(Action=[f"s3:Get{'x' * 60}{n}" for n in range(110)], Resource="*"),
        document(Action=[f"s3:Get{'x' * 60}{n}" for n in range(70)], Resource="*"),
    ),
    "policy of AWS's own": other(
        "iam", "delete_policy", "AccessDenied", {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, None
    ),
    "role that is not": other(
        "sts", "assume_role", "AccessDenied", {"RoleArn": NOBODY, "RoleSessionName": "test"}, None
    ),
    "parameter without a type": parameter("ValidationException", {"Type": None}, {"Type": "StringList"}),
    "pattern that is none": parameter(
        "InvalidAllowedPatternException", {"AllowedPattern": "["}, {"AllowedPattern": "[a-z]"}
    ),
    "key that is not": parameter(
        "InvalidKeyId",
        {"Type": "SecureString", "KeyId": "alias/none"},
        {"Type": "SecureString", "KeyId": "alias/aws/ssm"},
    ),
    "key of a plain parameter": parameter("ValidationException", {"KeyId": "alias/aws/ssm"}, {}),
    "path without /": other("ssm", "get_parameters_by_path", "ValidationException", {"Path": "x"}, {"Path": "/x"}),
    "stream with a colon": other(
        "logs",
        "create_log_stream",
        "InvalidParameterException",
        {"logGroupName": "/streams", "logStreamName": "a:b"},
        None,
    ),
    "alarm without periods": metric_alarm("MissingParameter", EvaluationPeriods=None),
    "alarm without comparison": metric_alarm("MissingParameter", ComparisonOperator=None),
    "alarm without a threshold": metric_alarm("ValidationError", Threshold=None),
    "alarm of nothing": metric_alarm("ValidationError", MetricName=None),
    "alarm of two things": metric_alarm("InvalidParameterCombination", Metrics=[{"Id": "a", "Expression": "1"}]),
    "namespace of AWS": other(
        "cloudwatch",
        "put_metric_data",
        "InvalidParameterValue",
        {"Namespace": "AWS/x", "MetricData": [{"MetricName": "m", "Value": 1.0}]},
        {"Namespace": "x/AWS", "MetricData": [{"MetricName": "m", "Value": 1.0}]},
    ),
    "bucket on the moon": other(
        "s3",
        "create_bucket",
        "InvalidLocationConstraint",
        {"Bucket": "on-the-moon", "CreateBucketConfiguration": {"LocationConstraint": "moon-1"}},
        None,
    ),
    "secret of two kinds": other(
        "secretsmanager",
        "create_secret",
        "InvalidParameterException",
        {"Name": "two-kinds", "SecretString": "x", "SecretBinary": b"x"},
        {"Name": "two-kinds", "SecretString": "x"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", [pytest.param(row, id=title.replace(" ", "-")) for title, row in ROWS.items()])
def test_refused_and_put_right_accepted(row: Row, world: World, clients: Clients, name: str) -> None:
    refuse_and_accept(row, world, clients, name)


def test_what_is_attached_stays(clients: Clients, name: str) -> None:
    iam = clients.get("iam")
    iam.create_role(**role(name))
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document(**PERMIT))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    assert refused(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    assert refused(iam.delete_role, RoleName=name) == "DeleteConflict"
    iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    iam.create_user(UserName=name)
    iam.create_group(GroupName=name)
    iam.add_user_to_group(GroupName=name, UserName=name)
    assert refused(iam.delete_user, UserName=name) == "DeleteConflict"
    assert refused(iam.delete_group, GroupName=name) == "DeleteConflict"
    iam.remove_user_from_group(GroupName=name, UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    assert refused(iam.delete_user, UserName=name) == "DeleteConflict"
    iam.delete_access_key(UserName=name, AccessKeyId=key)
    for deleted in (
        iam.delete_user(UserName=name), iam.delete_group(GroupName=name), iam.delete_role(RoleName=name)
    ):  # fmt: skip
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_ten_policies_are_attached_at_most(clients: Clients, name: str) -> None:
    iam = clients.get("iam")
    iam.create_role(**role(name))
    arns = [one["Arn"] for one in iam.list_policies(Scope="AWS", MaxItems=11)["Policies"]]
    for arn in arns[:10]:
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    assert refused(iam.attach_role_policy, RoleName=name, PolicyArn=arns[10]) == "LimitExceeded"
    iam.attach_role_policy(RoleName=name, PolicyArn=arns[0])


def test_a_role_is_assumed_by_whom_it_trusts_until_its_token_expires(clients: Clients, name: str) -> None:
    iam, sts = clients.get("iam"), clients.get("sts")
    iam.create_role(**role(name))  # it trusts EC2
    arn = f"arn:aws:iam::{ACCOUNT_ID}:role/{name}"
    assume = {"RoleArn": arn, "RoleSessionName": "test"}
    assert refused(sts.assume_role, **assume) == "AccessDenied"
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=document(**TRUST))
    assert refused(sts.assume_role, **assume, DurationSeconds=7200) == "ValidationError"
    assert refused(sts.assume_role, **{**assume, "RoleSessionName": "a b"}) == "ValidationError"
    made = sts.assume_role(**assume)["Credentials"]
    key = {"key": made["AccessKeyId"], "secret": made["SecretAccessKey"], "token": made["SessionToken"]}
    clients.get("sts", **key).get_caller_identity()
    session = next(
        one for one in sts_backends[ACCOUNT_ID]["aws"].assumed_roles if one.access_key_id == made["AccessKeyId"]
    )
    session.expiration -= timedelta(hours=2)
    assert refused(clients.get("sts", **key).get_caller_identity) == "ExpiredToken"
    assert refused(clients.get("ec2", **key).describe_vpcs) == "RequestExpired"
    assert refused(clients.get("ssm", **key).describe_parameters) == "ExpiredTokenException"


@pytest.mark.parametrize(
    ("service", "action", "code"),
    [
        ("ec2", "describe_vpcs", "AuthFailure"),
        ("rds", "describe_db_instances", "SignatureDoesNotMatch"),
        ("ssm", "describe_parameters", "InvalidSignatureException"),
        ("s3", "list_buckets", "AuthorizationHeaderMalformed"),
    ],
)
def test_a_signature_is_for_a_region_of_the_account(clients: Clients, service: str, action: str, code: str) -> None:
    for region in ("mars-north-1", "us-gov-west-1"):
        assert refused(getattr(clients.get(service, region), action)) == code
    getattr(clients.get(service, "sa-east-1"), action)()
