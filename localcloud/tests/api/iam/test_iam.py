"""IAM as on AWS: for each rule, a call that is refused with AWS's message, and one that is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from localcloud.settings import ACCOUNT_ID

from ..helpers import Clients, World, refused
from ..rules.test_refusals import role

Statement = dict[str, Any]
HERE = f"us-east-1:{ACCOUNT_ID}"


def allow(actions: str | list[str], resource: str | list[str] = "*", **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def deny(actions: str, resource: str = "*", **more: Any) -> Statement:
    return {**allow(actions, resource, **more), "Effect": "Deny"}


def tagged(key: str, value: str, where: str = "Resource") -> Statement:
    return {"Condition": {"StringEquals": {f"aws:{where}Tag/{key}": value}}}


def document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


class User:
    """A user with one policy, set by may(). get: clients with its key."""

    def __init__(self, clients: Clients, name: str) -> None:
        self.clients, self.name, self.iam = clients, name, clients.get("iam")
        self.arn = self.iam.create_user(UserName=name)["User"]["Arn"]
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        self.key = {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}

    def get(self, service: str, region: str = "us-east-1") -> Any:
        return self.clients.get(service, region, **self.key)

    def may(self, *statements: Statement) -> None:
        self.iam.put_user_policy(UserName=self.name, PolicyName="own", PolicyDocument=document(*statements))


@pytest.fixture
def user(clients: Clients, name: str) -> User:
    return User(clients, name)


@pytest.fixture(scope="module")
def things(world: World) -> Iterator[dict[str, str]]:
    """Resources with the tag Project=ours, and similar ones with Project=theirs."""
    found = {}
    for project in ("ours", "theirs"):
        tags = [{"Key": "Project", "Value": project}]
        specified = [{"ResourceType": "security-group", "Tags": tags}]
        found[f"{project} group"] = world.ec2.create_security_group(
            GroupName=f"iam-{project}", Description="d", VpcId=world.vpc, TagSpecifications=specified
        )["GroupId"]
        found[f"{project} targets"] = world.target_group(f"iam-{project}", Tags=tags)
        world.rds.create_db_parameter_group(
            DBParameterGroupName=f"iam-{project}", DBParameterGroupFamily="postgres17", Description="d", Tags=tags
        )
    world.ec2.create_tags(Resources=[world.instance], Tags=[{"Key": "Project", "Value": "ours"}])
    yield found
    world.ec2.delete_tags(Resources=[world.instance], Tags=[{"Key": "Project"}])


class Row(NamedTuple):
    """A call under two policies: one under which it is refused, and one under which it is not."""

    service: str
    call: str
    params: Callable[[World, dict[str, str], str], dict[str, Any]]
    refused: list[Statement]
    allowed: list[Statement]


def of_an_instance(refused: list[Statement], allowed: list[Statement]) -> Row:
    return Row("ec2", "stop_instances", lambda w, t, n: {"InstanceIds": [w.instance], "DryRun": True}, refused, allowed)


STOP = "ec2:StopInstances"
INSTANCES = f"arn:aws:ec2:{HERE}:instance/*"
RULE = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]


def opens(refused: list[Statement], allowed: list[Statement]) -> Row:
    return Row(
        "ec2",
        "authorize_security_group_ingress",
        lambda w, t, n: {"GroupId": t["ours group"], "IpPermissions": RULE, "DryRun": True},
        refused,
        allowed,
    )


def launches(refused: list[Statement], allowed: list[Statement]) -> Row:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Project", "Value": "ours"}]}]
    return Row("ec2", "run_instances", lambda w, t, n: w.launch(DryRun=True, TagSpecifications=tags), refused, allowed)


RUN = "ec2:RunInstances"
TAG = "ec2:CreateTags"
ROWS = {
    "another account's resource": of_an_instance([allow(STOP, "arn:aws:ec2:*:1:*")], [allow(STOP, INSTANCES)]),
    "another type of resource": of_an_instance([allow(STOP, "arn:aws:ec2:*:*:volume/*")], [allow(STOP, INSTANCES)]),
    "an explicit deny": of_an_instance([allow("*"), deny(STOP, INSTANCES)], [allow("*"), deny("ec2:Start*")]),
    "NotAction": of_an_instance(
        [{"Effect": "Allow", "NotAction": "ec2:St*", "Resource": "*"}],
        [{"Effect": "Allow", "NotAction": "ec2:Run*", "Resource": "*"}],
    ),
    "NotResource": of_an_instance(
        [{"Effect": "Allow", "Action": STOP, "NotResource": INSTANCES}],
        [{"Effect": "Allow", "Action": STOP, "NotResource": "arn:aws:ec2:*:*:volume/*"}],
    ),
    "a tag of the resource": of_an_instance(
        [allow(STOP, **tagged("Project", "theirs"))], [allow(STOP, **tagged("Project", "ours"))]
    ),
    "EC2's own key of it": of_an_instance(
        [allow(STOP, Condition={"StringEquals": {"ec2:ResourceTag/Project": "theirs"}})],
        [allow(STOP, Condition={"StringEquals": {"ec2:ResourceTag/Project": "ours"}})],
    ),
    "the user's own tag or name": of_an_instance(
        [allow(STOP, Condition={"StringEquals": {"aws:ResourceTag/Project": "${aws:username}"}})],
        [allow(STOP, Condition={"StringNotEquals": {"aws:ResourceTag/Project": "${aws:username}"}})],
    ),
    "a region": of_an_instance(
        [allow(STOP, Condition={"StringEquals": {"aws:RequestedRegion": "eu-central-1"}})],
        [allow(STOP, Condition={"StringEquals": {"aws:RequestedRegion": ["eu-central-1", "us-east-1"]}})],
    ),
    "a source address": of_an_instance(
        [allow(STOP, Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})],
        [allow(STOP, Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})],
    ),
    "a group of another project": opens(
        [allow("ec2:Authorize*", **tagged("Project", "theirs"))], [allow("ec2:Authorize*", **tagged("Project", "ours"))]
    ),
    # RunInstances also needs the image, the subnet and the groups, which do not have the request's tags.
    "tags of a launch for all that it touches": launches(
        [allow(RUN, **tagged("Project", "ours", "Request")), allow(TAG)],
        [
            allow(RUN, INSTANCES, **tagged("Project", "ours", "Request")),
            {"Effect": "Allow", "Action": RUN, "NotResource": INSTANCES},
            allow(TAG),
        ],
    ),
    "another tag at a launch": launches(
        [
            allow(RUN, INSTANCES, **tagged("Project", "theirs", "Request")),
            {"Effect": "Allow", "Action": RUN, "NotResource": INSTANCES},
            allow(TAG),
        ],
        [allow(RUN), allow(TAG, INSTANCES, Condition={"StringEquals": {"ec2:CreateAction": "RunInstances"}})],
    ),
    "tags beyond those of a list": launches(
        [allow(RUN), allow(TAG, Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["Name"]}})],
        [allow(RUN), allow(TAG, Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["Name", "Project"]}})],
    ),
    "a tag put on what is there": Row(
        "ec2",
        "create_tags",
        lambda w, t, n: {"Resources": [w.instance], "Tags": [{"Key": "a", "Value": "b"}], "DryRun": True},
        [allow(TAG, Condition={"StringLike": {"ec2:CreateAction": "*"}})],
        [allow(TAG, **tagged("Project", "ours"))],
    ),
    "a target group of another project": Row(
        "elbv2",
        "modify_target_group_attributes",
        lambda w, t, n: {
            "TargetGroupArn": t["ours targets"],
            "Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
        },
        [allow("elasticloadbalancing:*", **tagged("Project", "theirs"))],
        [allow("elasticloadbalancing:*", **tagged("Project", "ours"))],
    ),
    "a target group without the project's tag": Row(
        "elbv2",
        "create_target_group",
        lambda w, t, n: w.targeted(n, Tags=[{"Key": "Project", "Value": "ours"}]),
        [allow("ec2:*"), allow("elasticloadbalancing:*", **tagged("Project", "theirs", "Request"))],
        [allow("ec2:*"), allow("elasticloadbalancing:*", **tagged("Project", "ours", "Request"))],
    ),
    "a parameter group of another project": Row(
        "rds",
        "delete_db_parameter_group",
        lambda w, t, n: {"DBParameterGroupName": "iam-ours"},
        [allow("rds:*", **tagged("Project", "theirs"))],
        [allow("rds:*", **tagged("Project", "ours"))],
    ),
    "a database of another name": Row(
        "rds",
        "create_db_parameter_group",
        lambda w, t, n: {"DBParameterGroupName": n, "DBParameterGroupFamily": "postgres17", "Description": "d"},
        [allow("rds:*", "arn:aws:rds:*:*:pg:tandem-*")],
        [allow("rds:*", "arn:aws:rds:*:*:pg:n*")],
    ),
    "a parameter below another path": Row(
        "ssm",
        "put_parameter",
        lambda w, t, n: {"Name": f"/iam/{n}", "Value": "v", "Type": "String"},
        [allow("ssm:*", f"arn:aws:ssm:{HERE}:parameter/other/*")],
        [allow("ssm:*", f"arn:aws:ssm:{HERE}:parameter/iam/*")],
    ),
    "all parameters below a path": Row(
        "ssm",
        "get_parameters_by_path",
        lambda w, t, n: {"Path": "/iam/"},
        [allow("ssm:*", f"arn:aws:ssm:{HERE}:parameter/iam/*", Condition={"Bool": {"aws:SecureTransport": "false"}})],
        [allow("ssm:*", f"arn:aws:ssm:{HERE}:parameter/iam/*")],
    ),
    "a role of another name": Row(
        "iam",
        "create_role",
        lambda w, t, n: role(n),
        [allow("iam:*", "arn:aws:iam::*:role/tandem-*")],
        [allow("iam:*", "arn:aws:iam::*:role/n*")],
    ),
    "a role for another service": Row(
        "ec2",
        "run_instances",
        lambda w, t, n: w.launch(IamInstanceProfile={"Name": "iam-profile"}, DryRun=True),
        [allow(RUN), allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "rds.amazonaws.com"}})],
        [allow(RUN), allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}})],
    ),
    "a policy of another name": Row(
        "iam",
        "attach_user_policy",
        lambda w, t, n: {"UserName": n, "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        [allow("iam:*", Condition={"ArnLike": {"iam:PolicyARN": "arn:aws:iam::*:policy/tandem-*"}})],
        [allow("iam:*", Condition={"ArnLike": {"iam:PolicyARN": "arn:aws:iam::aws:policy/Read*"}})],
    ),
    "a listing, which has no resource": Row(
        "ec2",
        "describe_vpcs",
        lambda w, t, n: {},
        [allow("ec2:Describe*", "arn:aws:ec2:*:*:vpc/*")],
        [allow("ec2:Describe*")],
    ),
}


def answer(user: User, row: Row, params: dict[str, Any]) -> tuple[str, str]:
    """Error code and message; both empty if the call succeeds."""
    try:
        getattr(user.get(row.service), row.call)(**params)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return "", ""


@pytest.mark.parametrize("row", [pytest.param(row, id=title.replace(" ", "-")) for title, row in ROWS.items()])
def test_refused_under_one_policy_and_not_under_the_other(
    row: Row, world: World, things: dict[str, str], user: User
) -> None:
    if "IamInstanceProfile" in (params := row.params(world, things, user.name)):
        user.iam.create_role(**role("iam-profile"))
        user.iam.create_instance_profile(InstanceProfileName="iam-profile")
        user.iam.add_role_to_instance_profile(InstanceProfileName="iam-profile", RoleName="iam-profile")
    user.may(*row.refused)
    code, message = answer(user, row, params)
    code_of_service = {"ec2": "UnauthorizedOperation", "ssm": "AccessDeniedException"}
    assert code == code_of_service.get(row.service, "AccessDenied"), message
    assert f"User: {user.arn} is not authorized to perform: " in message
    user.may(*row.allowed)
    code, message = answer(user, row, params)
    assert code == ("DryRunOperation" if "DryRun" in params else ""), message


def refusal(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**params)
    return str(error.value.response["Error"]["Message"])


def test_the_message_of_a_refusal(world: World, user: User) -> None:
    instance = f"arn:aws:ec2:{HERE}:instance/{world.instance}"
    user.may(allow("iam:GetUser"))
    message = refusal(user.get("ec2").stop_instances, InstanceIds=[world.instance])
    begin = f"You are not authorized to perform this operation. User: {user.arn} is not authorized to perform: "
    why = f"{STOP} on resource: {instance} because no identity-based policy allows the {STOP} action. "
    assert message.startswith(f"{begin}{why}Encoded authorization failure message: ")
    encoded = message.rsplit(" ", 1)[-1]
    content = json.loads(user.clients.get("sts").decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert (content["explicitDeny"], content["context"]["action"]) == (False, STOP)
    assert refused(user.get("sts").decode_authorization_message, EncodedMessage=encoded) == "AccessDenied"

    user.may(allow("*"), deny("rds:*"))
    message = refusal(user.get("rds").delete_db_instance, DBInstanceIdentifier="world")
    database = f"rds:DeleteDBInstance on resource: arn:aws:rds:{HERE}:db:world"
    assert (
        message
        == f"User: {user.arn} is not authorized to perform: {database} with an explicit deny in an identity-based policy"
    )
    user.may(allow("iam:GetUser"))
    action = "elasticloadbalancing:DescribeLoadBalancers"
    assert refusal(user.get("elbv2").describe_load_balancers) == (
        f"User: {user.arn} is not authorized to perform: {action} because no identity-based policy allows the {action} action"
    )


def test_a_boundary_narrows_and_gives_nothing(user: User, name: str) -> None:
    ec2, iam = user.get("ec2"), user.iam
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("ec2:DescribeVpcs")))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=arn)
    assert iam.get_user(UserName=name)["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    assert "no identity-based policy" in refusal(ec2.describe_vpcs)
    user.may(allow("ec2:Describe*"))
    ec2.describe_vpcs()
    assert "because no permissions boundary allows the ec2:DescribeSubnets action" in refusal(ec2.describe_subnets)
    assert refused(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.delete_user_permissions_boundary(UserName=name)
    ec2.describe_subnets()


def test_groups_and_managed_policies_give_rights(user: User, name: str) -> None:
    ec2, iam = user.get("ec2"), user.iam
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("ec2:DescribeVpcs")))["Policy"]["Arn"]
    iam.create_group(GroupName=name)
    iam.attach_group_policy(GroupName=name, PolicyArn=arn)
    iam.put_group_policy(GroupName=name, PolicyName="p", PolicyDocument=document(allow("ec2:DescribeSubnets")))
    assert refused(ec2.describe_vpcs) == "UnauthorizedOperation"
    iam.add_user_to_group(GroupName=name, UserName=name)
    ec2.describe_vpcs()
    ec2.describe_subnets()
    newer = document(allow("ec2:DescribeImages"))
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=newer, SetAsDefault=True)
    assert refused(ec2.describe_vpcs) == "UnauthorizedOperation"


def test_a_session_has_its_roles_rights_narrowed_by_its_own_policy(clients: Clients, user: User, name: str) -> None:
    iam, sts = user.iam, user.get("sts")
    condition = {"StringEquals": {"sts:ExternalId": "secret"}}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": user.arn}, "Condition": condition}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("ec2:Describe*")))
    assume = {"RoleArn": arn, "RoleSessionName": "test"}
    assert refused(sts.assume_role, **assume) == "AccessDenied"
    # The role trusts this user by ARN, so the user needs no policy.
    assume["ExternalId"] = "secret"

    def session(**more: Any) -> Any:
        made = sts.assume_role(**assume, **more)["Credentials"]
        return clients.get("ec2", key=made["AccessKeyId"], secret=made["SecretAccessKey"], token=made["SessionToken"])

    policy = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("ec2:DescribeVpcs")))["Policy"]["Arn"]
    managed = session(PolicyArns=[{"arn": policy}])
    assert refused(managed.describe_subnets) == "UnauthorizedOperation"
    wide, narrow = session(), session(Policy=document(allow("ec2:DescribeVpcs")))
    wide.describe_subnets()
    for client in (narrow, managed):
        client.describe_vpcs()
    why = "because no session policy allows the ec2:DescribeSubnets action"
    message = refusal(narrow.describe_subnets)
    assert f"User: arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}/test is not authorized" in message
    assert why in message
    # The role trusts the whole account, so the user needs a policy.
    everybody = {**trust, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"}}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=document(everybody))
    assert refused(sts.assume_role, **assume) == "AccessDenied"
    user.may(allow("sts:AssumeRole", arn))
    wide = session()
    user.may(allow("sts:AssumeRole", f"{arn}-other"))
    assert refused(sts.assume_role, **assume) == "AccessDenied"


def test_the_simulator_answers_as_calls_are_judged(user: User) -> None:
    iam = user.iam
    user.may(allow(STOP, INSTANCES, **tagged("Project", "ours")), deny("ec2:TerminateInstances"))
    asked = {"PolicySourceArn": user.arn, "ActionNames": [STOP, "ec2:TerminateInstances", "ec2:StartInstances"]}
    instance = f"arn:aws:ec2:{HERE}:instance/i-1"

    def decisions(call: Any, **params: Any) -> list[str]:
        return [result["EvalDecision"] for result in call(ResourceArns=[instance], **params)["EvaluationResults"]]

    assert decisions(iam.simulate_principal_policy, **asked) == ["implicitDeny", "explicitDeny", "implicitDeny"]
    [result, *_] = iam.simulate_principal_policy(ResourceArns=[instance], **asked)["EvaluationResults"]
    assert result["MissingContextValues"] == ["aws:ResourceTag/Project"]
    tag = {"ContextKeyName": "aws:ResourceTag/Project", "ContextKeyValues": ["ours"], "ContextKeyType": "string"}
    assert decisions(iam.simulate_principal_policy, ContextEntries=[tag], **asked)[0] == "allowed"
    boundary = {"PermissionsBoundaryPolicyInputList": [document(allow("ec2:Describe*"))]}
    assert decisions(iam.simulate_principal_policy, ContextEntries=[tag], **boundary, **asked)[0] == "implicitDeny"
    custom = {"PolicyInputList": [document(allow("ec2:St*"))], "ActionNames": asked["ActionNames"]}
    assert decisions(iam.simulate_custom_policy, **custom) == ["allowed", "implicitDeny", "allowed"]
    nobody = {**asked, "PolicySourceArn": f"{user.arn}-nobody"}
    assert refused(iam.simulate_principal_policy, **nobody) == "NoSuchEntity"
