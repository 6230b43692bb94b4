"""Access to moto's models, in one place."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from moto.ec2 import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES
from moto.elbv2 import elbv2_backends
from moto.iam import iam_backends
from moto.rds import rds_backends

from localcloud.settings import ACCOUNT_ID


def ec2_regions() -> dict[str, Any]:
    """EC2 backends of the regions in use, by region."""
    # Looking up a region would create it.
    return dict(dict.items(ec2_backends[ACCOUNT_ID])) if ACCOUNT_ID in ec2_backends else {}


@cache
def regions() -> frozenset[str]:
    """The account's regions: those of AWS's public partition."""
    return frozenset(boto3.Session().get_available_regions("ec2"))


# Those that nobody has to enable. The account has enabled none of the others.
ENABLED_REGIONS = frozenset({
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-central-1", "eu-north-1", "eu-west-1",
    "eu-west-2", "eu-west-3", "ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1",
    "ap-southeast-2",
})  # fmt: skip


def ec2(region: str) -> Any:
    return ec2_backends[ACCOUNT_ID][region]


def elbv2(region: str) -> Any:
    return elbv2_backends[ACCOUNT_ID][region]


def rds(region: str) -> Any:
    return rds_backends[ACCOUNT_ID][region]


def iam() -> Any:
    return iam_backends[ACCOUNT_ID]["aws"]


def instances(region: str) -> list[Any]:
    """All instances of a region, in every state."""
    return [instance for reservation in list(ec2(region).reservations.values()) for instance in reservation.instances]


def subnets(region: str) -> dict[str, Any]:
    """All subnets of a region by id."""
    return {key: subnet for zone in list(ec2(region).subnets.values()) for key, subnet in zone.items()}


def security_groups(region: str) -> dict[str, Any]:
    """All security groups of a region by id."""
    return {key: group for groups in list(ec2(region).groups.values()) for key, group in groups.items()}


def security_group_rules(region: str) -> dict[str, Any]:
    """All rules of security groups of a region by id."""
    groups = security_groups(region).values()
    return {rule.id: rule for group in groups for rule in (*group.ingress_rules, *group.egress_rules)}


@cache
def instance_types(region: str) -> dict[str, dict[str, Any]]:
    """AWS's description of each instance type that the region offers."""
    offered = {offering["InstanceType"] for offering in INSTANCE_TYPE_OFFERINGS["region"].get(region, [])}
    return {name: description for name, description in INSTANCE_TYPES.items() if name in offered}


def instance_profile_arn(region: str, instance: Any) -> str | None:
    """ARN of the instance profile that is currently associated with an instance."""
    association = ec2(region).iam_instance_profile_associations.get(instance.id)
    return association.iam_instance_profile.arn if association else None
