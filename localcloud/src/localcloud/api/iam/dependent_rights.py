"""Dependent actions: permissions that AWS requires of the caller in addition to the action itself.

Sources: AWS's service authorization reference, "Elastic Load Balancing API permissions", and, for
ec2:GetSecurityGroupsForVpc, AWS's responses since late 2024. AWS does not document SetSecurityGroups; this assumes
that it requires the same as CreateLoadBalancer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from localcloud.settings import ACCOUNT_ID

from ..moto import moto_state
from ..request import Call, asks

ALWAYS = ""
_VPC = ("ec2:DescribeInternetGateways", "ec2:DescribeVpcs")

# By action, then by the parameter that requires it.
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
# In these services, every action that creates a tagged resource also requires permission to tag it.
TAGS = {
    "ec2": ("TagSpecifications", "ec2:CreateTags"),
    "elbv2": ("Tags", "elasticloadbalancing:AddTags"),
    "rds": ("Tags", "rds:AddTagsToResource"),
}
# The service-linked role that AWS creates when the action is first called in an account.
SERVICE_LINKED_ROLES = {
    "elbv2:CreateLoadBalancer": ("elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"),
    "elbv2:CreateTargetGroup": ("elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"),
    "rds:CreateDBInstance": ("rds.amazonaws.com", "AWSServiceRoleForRDS"),
}


# The resource type that is tagged, if the call names other resources too. EC2 has it in TagSpecifications.
TAGGED = {
    "rds:CreateDBInstance": "db", "rds:CreateDBSubnetGroup": "subgrp", "rds:CreateDBParameterGroup": "pg",
    "rds:CreateDBSnapshot": "snapshot", "rds:CopyDBSnapshot": "snapshot", "rds:RestoreDBInstanceFromDBSnapshot": "db",
    "rds:CreateOptionGroup": "og",
}  # fmt: skip


@dataclass(frozen=True)
class Right:
    """arns: its resources. kinds: limits the call's resources to these types. made: resources that the call creates."""

    action: str
    arns: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    made: bool = False
    context: dict[str, list[str]] = field(default_factory=dict)


def of(call: Call) -> Iterator[Right]:
    """The permissions required beyond the call's own action."""
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
    """PassRole, for the roles that a call passes to a service."""
    service = "monitoring.rds.amazonaws.com" if call.service == "rds" else "ec2.amazonaws.com"
    context = {"iam:passedtoservice": [service]}
    if arn := call.parameters.get("MonitoringRoleArn"):
        return Right("iam:PassRole", (arn,), context=context)
    if call.service == "iam":  # AWS does not document iam:PassedToService here, so policies cannot rely on it
        return Right("iam:PassRole", kinds=frozenset({"role"}))
    wanted = set(call.parameters["IamInstanceProfile"].values())
    profiles = list(moto_state.iam().instance_profiles.values())
    profiles = [profile for profile in profiles if {profile.arn, profile.name} & wanted]
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
    """Create the service-linked role on the first call, as AWS does."""
    if service := _service_without_role(call):
        moto_state.iam().create_service_linked_role(service, "", "")
