"""Dependent actions: a call is refused without the permission for them, and accepted with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from ..helpers import Clients, World, refused
from ..rules.test_refusals import role

TAG = [{"Key": "a", "Value": "b"}]
Params = Callable[[World, Clients, str], dict[str, Any]]


class Row(NamedTuple):
    """A call with its own permission (action), the one under test (right), and other required ones."""

    service: str
    call: str
    action: str
    right: str
    params: Params
    others: tuple[str, ...] = ()


def tagged(kind: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": TAG}]


BALANCER = ("elbv2", "create_load_balancer", "elasticloadbalancing:CreateLoadBalancer")
DESCRIBE = ("ec2:Describe*", "ec2:GetSecurityGroupsForVpc", "iam:CreateServiceLinkedRole")
ROWS = {
    "load balancer": Row(
        *BALANCER, "ec2:GetSecurityGroupsForVpc", lambda w, c, n: {"Name": n, "Subnets": [w.a, w.b]}, ("ec2:Describe*",)
    ),
    "load balancer with tags": Row(
        *BALANCER,
        "elasticloadbalancing:AddTags",
        lambda w, c, n: {"Name": n, "Subnets": [w.a, w.b], "Tags": TAG},
        DESCRIBE,
    ),
    "load balancer's groups": Row(
        "elbv2",
        "set_security_groups",
        "elasticloadbalancing:SetSecurityGroups",
        "ec2:GetSecurityGroupsForVpc",
        lambda w, c, n: {"LoadBalancerArn": w.balancer, "SecurityGroups": [w.group]},
    ),
    "target group": Row(
        "elbv2",
        "create_target_group",
        "elasticloadbalancing:CreateTargetGroup",
        "ec2:DescribeVpcs",
        lambda w, c, n: w.targeted(n),
        ("ec2:DescribeInternetGateways",),
    ),
    "target": Row(
        "elbv2",
        "register_targets",
        "elasticloadbalancing:RegisterTargets",
        "ec2:DescribeInstances",
        lambda w, c, n: {"TargetGroupArn": w.targets, "Targets": [{"Id": w.instance}]},
        ("ec2:DescribeInternetGateways", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
    ),
    "instance with tags": Row(
        "ec2",
        "run_instances",
        "ec2:RunInstances",
        "ec2:CreateTags",
        lambda w, c, n: w.launch(TagSpecifications=tagged("instance")),
    ),
    "instance with a profile": Row(
        "ec2",
        "run_instances",
        "ec2:RunInstances",
        "iam:PassRole",
        lambda w, c, n: w.launch(IamInstanceProfile={"Name": profile(c, n)}),
    ),
    "group with tags": Row(
        "ec2",
        "create_security_group",
        "ec2:CreateSecurityGroup",
        "ec2:CreateTags",
        lambda w, c, n: {
            "GroupName": n,
            "Description": "d",
            "VpcId": w.vpc,
            "TagSpecifications": tagged("security-group"),
        },
    ),
    "database with tags": Row(
        "rds",
        "create_db_instance",
        "rds:CreateDBInstance",
        "rds:AddTagsToResource",
        lambda w, c, n: w.database(n, Tags=TAG),
        ("iam:CreateServiceLinkedRole",),
    ),
    "database that leaves a snapshot": Row(
        "rds",
        "delete_db_instance",
        "rds:DeleteDBInstance",
        "rds:CreateDBSnapshot",
        lambda w, c, n: {"DBInstanceIdentifier": database(w, n), "FinalDBSnapshotIdentifier": f"{n}-final"},
    ),
    "parameter with tags": Row(
        "ssm",
        "put_parameter",
        "ssm:PutParameter",
        "ssm:AddTagsToResource",
        lambda w, c, n: {"Name": f"/{n}", "Value": "v", "Type": "String", "Tags": TAG},
    ),
    "role with tags": Row(
        "iam", "create_role", "iam:CreateRole", "iam:TagRole", lambda w, c, n: {**role(n), "Tags": TAG}
    ),
    "profile with tags": Row(
        "iam",
        "create_instance_profile",
        "iam:CreateInstanceProfile",
        "iam:TagInstanceProfile",
        lambda w, c, n: {"InstanceProfileName": n, "Tags": TAG},
    ),
    "role in a profile": Row(
        "iam",
        "add_role_to_instance_profile",
        "iam:AddRoleToInstanceProfile",
        "iam:PassRole",
        lambda w, c, n: {"InstanceProfileName": profile(c, n, empty=True), "RoleName": n},
    ),
}


def profile(clients: Clients, name: str, *, empty: bool = False) -> str:
    """An instance profile and a role of the same name, which is in it unless empty."""
    iam = clients.get("iam")
    iam.create_role(**role(name))
    iam.create_instance_profile(InstanceProfileName=name)
    if not empty:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return name


def database(world: World, name: str) -> str:
    world.rds.create_db_instance(**world.database(name))
    world.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name)
    return name


def create_user(clients: Clients, name: str) -> dict[str, str]:
    """Create a user without permissions. Returns its key."""
    iam = clients.get("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def allow(clients: Clients, name: str, *actions: str) -> None:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    clients.get("iam").put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=document)


@pytest.mark.parametrize("row", [pytest.param(row, id=title.replace(" ", "-")) for title, row in ROWS.items()])
def test_refused_without_and_accepted_with_the_right(row: Row, world: World, clients: Clients, name: str) -> None:
    call = getattr(clients.get(row.service, **create_user(clients, name)), row.call)
    params = row.params(world, clients, name)
    allow(clients, name, row.action, *row.others)
    with pytest.raises(ClientError) as error:
        call(**params)
    refusal = error.value.response["Error"]
    assert refusal["Code"].startswith("UnauthorizedOperation" if row.service == "ec2" else "AccessDenied")
    assert f"is not authorized to perform: {row.right}" in refusal["Message"]
    allow(clients, name, row.action, *row.others, row.right)
    assert call(**params)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_creating_a_service_linked_role_needs_permission(world: World, clients: Clients, name: str) -> None:
    """The first database of an account."""
    iam = clients.get("iam")
    # The world's database has created it.
    assert iam.get_role(RoleName="AWSServiceRoleForRDS")["Role"]["Path"] == "/aws-service-role/rds.amazonaws.com/"
    iam.delete_service_linked_role(RoleName="AWSServiceRoleForRDS")
    rds = clients.get("rds", **create_user(clients, name))
    allow(clients, name, "rds:CreateDBInstance")
    assert refused(rds.create_db_instance, **world.database(name)) == "AccessDenied"
    allow(clients, name, "rds:CreateDBInstance", "iam:CreateServiceLinkedRole")
    rds.create_db_instance(**world.database(name))
    allow(clients, name, "rds:CreateDBInstance")
    rds.create_db_instance(**world.database(f"{name}-2"))
