"""The rights that AWS asks the caller of an action for besides the action's own.

From AWS's service authorization reference (dependent actions), from "Elastic Load Balancing API permissions", and, for
ec2:GetSecurityGroupsForVpc, from what AWS has answered since late 2024. SetSecurityGroups is taken to look as
CreateLoadBalancer does: AWS does not say.
"""

from __future__ import annotations

from collections.abc import Iterator

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
# The service whose role AWS makes in the account when the action is first called there.
SERVICE_LINKED_ROLES = {
    "elbv2:CreateLoadBalancer": "elasticloadbalancing.amazonaws.com",
    "elbv2:CreateTargetGroup": "elasticloadbalancing.amazonaws.com",
    "rds:CreateDBInstance": "rds.amazonaws.com",
}


def of(call: Call) -> Iterator[str]:
    """The rights beyond the call's own action."""
    for parameter, rights in RIGHTS.get(call.name, {}).items():
        if parameter == ALWAYS or asks(call.parameters.get(parameter)):
            yield from rights
    parameter, right = TAGS.get(call.service, ("", ""))
    if asks(call.parameters.get(parameter)) and right.split(":")[1] != call.action:
        yield right
    if _service_without_role(call):
        yield "iam:CreateServiceLinkedRole"


def _service_without_role(call: Call) -> str | None:
    service = SERVICE_LINKED_ROLES.get(call.name)
    has_role = any(role.path == f"/aws-service-role/{service}/" for role in moto_state.iam().roles.values())
    return None if has_role else service


def make_service_linked_role(call: Call) -> None:
    """What AWS makes when the call is the first of its service."""
    if service := _service_without_role(call):
        moto_state.iam().create_service_linked_role(service, "", "")
