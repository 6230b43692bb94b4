"""The rights that AWS asks the caller of an action for besides the action's own.

From AWS's service authorization reference (dependent actions), from "Elastic Load Balancing API permissions", and, for
ec2:GetSecurityGroupsForVpc, from what AWS has answered since late 2024. SetSecurityGroups is taken to look as
CreateLoadBalancer does: AWS does not say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from localcloud.settings import ACCOUNT_ID

from ..moto import moto_state
from ..request import Call, asks

ALWAYS = ""
_VPC = ("ec2:DescribeInternetGateways", "ec2:DescribeVpcs")

# By action, then by the parameter that asks for it.
RIGHTS: dict[str, dict[str, tuple[str, ...]]] = {
    "ec2:AssociateIamInstanceProfile": {"IamInstanceProfile": ("iam:PassRole",)},
    "ec2:ReplaceIamInstanceProfileAssociation": {"IamInstanceProfile": ("iam:PassRole",)},
    "ec2:RunInstances": {"IamInstanceProfile": ("iam:PassRole",)},
    "elbv2:CreateLoadBalancer": {
        ALWAYS: (
            "ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
            "ec2:GetSecurityGroupsForVpc", *_VPC,
        )
    },
    "elbv2:CreateTargetGroup": {"VpcId": _VPC},
    "elbv2:RegisterTargets": {ALWAYS: ("ec2:DescribeInstances", "ec2:DescribeSubnets", *_VPC)},
    "elbv2:SetIpAddressType": {ALWAYS: ("ec2:DescribeSubnets",)},
    "elbv2:SetSecurityGroups": {ALWAYS: ("ec2:GetSecurityGroupsForVpc",)},
    "elbv2:SetSubnets": {ALWAYS: ("ec2:DescribeSubnets",)},
    "iam:AddRoleToInstanceProfile": {ALWAYS: ("iam:PassRole",)},
    "iam:CreateInstanceProfile": {"Tags": ("iam:TagInstanceProfile",)},
    "iam:CreatePolicy": {"Tags": ("iam:TagPolicy",)},
    "iam:CreateRole": {"Tags": ("iam:TagRole",)},
    "iam:CreateUser": {"Tags": ("iam:TagUser",)},
    "logs:CreateLogGroup": {"tags": ("logs:TagResource",)},
    "rds:CreateDBInstance": {"MonitoringRoleArn": ("iam:PassRole",)},
    "rds:DeleteDBInstance": {"FinalDBSnapshotIdentifier": ("rds:CreateDBSnapshot",)},
    "rds:ModifyDBInstance": {"MonitoringRoleArn": ("iam:PassRole",)},
    "rds:StopDBInstance": {"DBSnapshotIdentifier": ("rds:CreateDBSnapshot",)},
    "secretsmanager:CreateSecret": {"Tags": ("secretsmanager:TagResource",)},
    "ssm:PutParameter": {"Tags": ("ssm:AddTagsToResource",)},
}  # fmt: skip
# What makes a thing with tags asks for the right to tag it, in these services whatever the action.
TAGS = {
    "ec2": ("TagSpecifications", "ec2:CreateTags"),
    "elbv2": ("Tags", "elasticloadbalancing:AddTags"),
    "rds": ("Tags", "rds:AddTagsToResource"),
}
# The service whose role of this name AWS makes in the account when the action is first called there.
SERVICE_LINKED_ROLES = {
    "elbv2:CreateLoadBalancer": ("elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"),
    "elbv2:CreateTargetGroup": ("elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"),
    "rds:CreateDBInstance": ("rds.amazonaws.com", "AWSServiceRoleForRDS"),
}


# What a tagging right is for, where the call names other things too. EC2's TagSpecifications say it themselves.
TAGGED = {
    "rds:CreateDBInstance": "db", "rds:CreateDBSubnetGroup": "subgrp", "rds:CreateDBParameterGroup": "pg",
    "rds:CreateDBSnapshot": "snapshot", "rds:CopyDBSnapshot": "snapshot", "rds:RestoreDBInstanceFromDBSnapshot": "db",
    "rds:CreateOptionGroup": "og",
}  # fmt: skip


@dataclass(frozen=True)
class Right:
    """arns: what it is for; kinds: only things of these types, of those that the call names; made: of what the call makes."""

    action: str
    arns: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    made: bool = False
    context: dict[str, list[str]] = field(default_factory=dict)


def of(call: Call) -> Iterator[Right]:
    """The rights beyond the call's own action."""
    for parameter, rights in RIGHTS.get(call.name, {}).items():
        if parameter == ALWAYS or asks(call.parameters.get(parameter)):
            yield from (_pass_role(call) if right == "iam:PassRole" else Right(right) for right in rights)
    parameter, right = TAGS.get(call.service, ("", ""))
    if asks(call.parameters.get(parameter)) and right.split(":")[1] != call.action:
        yield _tagging(call, right)
    if service := _service_without_role(call):
        path = f"arn:aws:iam::{ACCOUNT_ID}:role/aws-service-role/{service}"
        context = {"iam:awsservicename": [service]}
        yield Right("iam:CreateServiceLinkedRole", (f"{path}/{SERVICE_LINKED_ROLES[call.name][1]}",), context=context)


def _pass_role(call: Call) -> Right:
    """The roles that a call hands to a service."""
    service = "monitoring.rds.amazonaws.com" if call.service == "rds" else "ec2.amazonaws.com"
    context = {"iam:passedtoservice": [service]}
    if arn := call.parameters.get("MonitoringRoleArn"):
        return Right("iam:PassRole", (arn,), context=context)
    if call.service == "iam":  # AWS does not say whether it has iam:PassedToService then: a policy may not rely on it
        return Right("iam:PassRole", kinds=frozenset({"role"}))
    wanted = set(call.parameters["IamInstanceProfile"].values())
    profiles = [
        profile for profile in moto_state.iam().instance_profiles.values() if {profile.arn, profile.name} & wanted
    ]
    return Right("iam:PassRole", tuple(role.arn for profile in profiles for role in profile.roles), context=context)


def _tagging(call: Call, right: str) -> Right:
    context = {f"{right.split(':')[0]}:createaction": [call.action]}
    if call.service == "rds":
        return Right(right, kinds=frozenset({TAGGED.get(call.name, "")} - {""}), context=context)
    if call.service == "elbv2" and "LoadBalancerArn" in call.parameters:
        return Right(
            right, (f"{call.parameters['LoadBalancerArn'].replace(':loadbalancer/', ':listener/')}/*",), context=context
        )
    if call.service == "elbv2" and "ListenerArn" in call.parameters:
        return Right(
            right, (f"{call.parameters['ListenerArn'].replace(':listener/', ':listener-rule/')}/*",), context=context
        )
    return Right(right, made=call.service == "ec2", context=context)


def _service_without_role(call: Call) -> str | None:
    service, _ = SERVICE_LINKED_ROLES.get(call.name, (None, None))
    has_role = any(role.path == f"/aws-service-role/{service}/" for role in moto_state.iam().roles.values())
    return None if has_role else service


def make_service_linked_role(call: Call) -> None:
    """What AWS makes when the call is the first of its service."""
    if service := _service_without_role(call):
        moto_state.iam().create_service_linked_role(service, "", "")
