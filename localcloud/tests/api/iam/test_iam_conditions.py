"""Conditions as in AWS's IAM guide: for each operator, a value that matches and one that does not."""

from __future__ import annotations

import pytest

from localcloud.api.iam.conditions import UnknownOperatorError, arn_like, hold, resource_like
from localcloud.api.iam.documents import Decision, Document, judge

CONTEXT = {
    "aws:resourcetag/project": ["tandem"],
    "aws:tagkeys": ["Project", "Name"],
    "aws:sourceip": ["203.0.113.9"],
    "aws:principalarn": ["arn:aws:iam::123456789012:user/team/eve"],
    "aws:currenttime": ["2026-11-28T12:00:00Z"],
    "aws:securetransport": ["true"],
    "aws:username": ["eve"],
    "rds:storagesize": ["20"],
    "s3:prefix": ["a*b"],
}
# operator, key, a value that matches, a value that does not
ROWS = [
    ("StringEquals", "aws:ResourceTag/Project", "tandem", "Tandem"),
    ("StringEquals", "aws:ResourceTag/Project", ["other", "tandem"], ["other", "third"]),
    ("StringNotEquals", "aws:ResourceTag/Project", "other", ["other", "tandem"]),
    ("StringEqualsIgnoreCase", "AWS:resourcetag/PROJECT", "TANDEM", "tande"),
    ("StringNotEqualsIgnoreCase", "aws:ResourceTag/Project", "other", "TANDEM"),
    ("StringLike", "aws:ResourceTag/Project", "t?nd*", "t?ndm"),
    ("StringNotLike", "aws:ResourceTag/Project", "x*", "t*"),
    ("StringLike", "s3:prefix", "a${*}b", "a${?}b"),
    ("StringEquals", "aws:username", "${aws:username}", "${aws:userid}"),
    ("StringEquals", "aws:username", "${aws:userid, 'eve'}", "${aws:userid, 'adam'}"),
    ("NumericEquals", "rds:StorageSize", 20, 21),
    ("NumericNotEquals", "rds:StorageSize", "21", "20.0"),
    ("NumericLessThan", "rds:StorageSize", "21", "20"),
    ("NumericLessThanEquals", "rds:StorageSize", "20", "19"),
    ("NumericGreaterThan", "rds:StorageSize", "19", "20"),
    ("NumericGreaterThanEquals", "rds:StorageSize", "20", "many"),
    ("DateGreaterThan", "aws:CurrentTime", "2026-11-28T11:59:59Z", "2026-11-28T12:00:01Z"),
    ("DateLessThan", "aws:CurrentTime", "2026-11-29", "2026-11-28"),
    ("DateEquals", "aws:CurrentTime", "2026-11-28T13:00:00+01:00", "2026-11-28T13:00:00Z"),
    ("Bool", "aws:SecureTransport", True, "false"),
    ("IpAddress", "aws:SourceIp", "203.0.113.0/24", ["203.0.114.0/24", "2001:db8::/32"]),
    ("NotIpAddress", "aws:SourceIp", "198.51.100.0/24", "203.0.113.9"),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:user/team/*", "arn:aws:iam::*:role/*"),
    ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::123456789012:user/*", "arn:aws:iam::1*:user"),
    ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*", "arn:aws:iam::*:user/*"),
    ("Null", "aws:ResourceTag/Owner", "true", "false"),
    ("Null", "aws:ResourceTag/Project", "false", "true"),
    ("StringEqualsIfExists", "aws:ResourceTag/Owner", "eve", None),
    ("StringEqualsIfExists", "aws:ResourceTag/Project", "tandem", "other"),
    ("StringNotEquals", "aws:ResourceTag/Owner", "eve", None),
    ("StringEquals", "aws:ResourceTag/Owner", None, "eve"),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["Project", "Name", "Owner"], ["Project", "Owner"]),
    ("ForAllValues:StringEquals", "aws:Nothing", "x", None),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["Name", "Owner"], ["Owner"]),
    ("ForAnyValue:StringEquals", "aws:Nothing", None, "x"),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["Name"], ["Name", "Project"]),
    ("ForAllValues:StringNotLike", "aws:TagKeys", ["aws*"], ["N*"]),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_operators(row: tuple[str, str, object, object]) -> None:
    operator, key, met, unmet = row
    if met is not None:
        assert hold({operator: {key: met}}, CONTEXT)
    if unmet is not None:
        assert not hold({operator: {key: unmet}}, CONTEXT)


def test_all_conditions_must_hold() -> None:
    met = {"StringEquals": {"aws:username": "eve"}, "Bool": {"aws:SecureTransport": "true"}}
    assert hold(met, CONTEXT)
    assert not hold({**met, "Bool": {"aws:SecureTransport": "false"}}, CONTEXT)
    assert not hold({"StringEquals": {"aws:username": "eve", "aws:ResourceTag/Project": "x"}}, CONTEXT)


def test_an_unknown_operator_is_an_error() -> None:
    with pytest.raises(UnknownOperatorError):
        hold({"StringSounds": {"aws:username": "eve"}}, CONTEXT)


def test_the_wildcard_stays_within_a_part_of_an_arn() -> None:
    assert arn_like("arn:aws:rds:*:*:db:tandem-*", "arn:aws:rds:us-east-1:1:db:tandem-a:b")
    assert not arn_like("arn:aws:rds:*:db:tandem-*", "arn:aws:rds:us-east-1:1:db:tandem-a")
    assert resource_like("arn:aws:sqs", "arn:aws:sqs:us-east-1:1:queue")
    assert not resource_like("arn:aws:sq", "arn:aws:sqs:us-east-1:1:queue")


def test_a_deny_is_stronger_and_older_documents_have_no_variables() -> None:
    def decision(*statements: str, version: str = "2012-10-17", action: str = "ec2:StopInstances") -> Decision:
        text = f'{{"Version": "{version}", "Statement": [{", ".join(statements)}]}}'
        return judge([Document(text)], action, "arn:aws:ec2:us-east-1:1:instance/i-eve", CONTEXT).decision

    allow = '{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}'
    deny = '{"Effect": "Deny", "Action": "EC2:Stop*", "Resource": "arn:aws:ec2:*:*:instance/*"}'
    assert (decision(allow), decision(allow, deny), decision(deny)) == (
        Decision.ALLOWED,
        Decision.EXPLICIT_DENY,
        Decision.EXPLICIT_DENY,
    )
    assert decision(allow, deny, action="ec2:StartInstances") == Decision.ALLOWED
    own = '{"Effect": "Allow", "Action": "ec2:*", "Resource": "arn:aws:ec2:*:*:instance/i-${aws:username}"}'
    assert (decision(own), decision(own, version="2008-10-17")) == (Decision.ALLOWED, Decision.IMPLICIT_DENY)
    others = '{"Effect": "Allow", "NotAction": ["ec2:Stop*"], "NotResource": "arn:aws:ec2:*:*:volume/*"}'
    assert decision(others) == Decision.IMPLICIT_DENY
    assert decision(others, action="ec2:StartInstances") == Decision.ALLOWED
