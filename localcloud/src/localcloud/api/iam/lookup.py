"""Looks up resources in moto's models: ARNs, tags, and resources that a call implies without naming them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.kms import kms_backends
from moto.logs import logs_backends
from moto.secretsmanager import secretsmanager_backends
from moto.ssm import ssm_backends

from localcloud.settings import ACCOUNT_ID

from ..moto import moto_state

Tags = dict[str, str]


def _pairs(tags: Iterable[dict[str, str]] | dict[str, dict[str, str]]) -> Tags:
    """moto keeps tags as lists and as dictionaries."""
    return {tag["Key"]: tag["Value"] for tag in (tags.values() if isinstance(tags, dict) else tags)}


def _iam_things(kind: str) -> Iterable[Any]:
    iam = moto_state.iam()
    held: dict[str, dict[str, Any]] = {
        "role": iam.roles, "user": iam.users, "group": iam.groups, "policy": iam.managed_policies,
        "instance-profile": iam.instance_profiles,
    }  # fmt: skip
    return list(held.get(kind, {}).values())


def arn(service: str, kind: str, name: str) -> str | None:
    """The ARN of a resource whose ARN has a path or a random suffix; None if there is none, or the name is enough."""
    if service == "iam":
        return next((str(resource.arn) for resource in _iam_things(kind) if resource.name == name), None)
    if service == "secretsmanager":
        for backend in secretsmanager_backends[ACCOUNT_ID].values():
            if name in backend.secrets:
                return str(backend.secrets[name].arn)
    return None


def tags(service: str, kind: str, arn: str, region: str) -> Tags:
    """The tags of the resource; empty if it does not exist."""
    name = arn.split(":", 5)[-1].split("/", 1)[-1]
    if service == "ec2":
        return dict(moto_state.ec2(region).tags.get(_ec2_identifier(kind, name, region), {}))
    if service == "elasticloadbalancing":
        return dict(moto_state.elbv2(region).tagging_service.get_tag_dict_for_resource(arn))
    if service == "rds":
        return _rds(arn, region)
    if service == "ssm":
        held: dict[str, Tags] = ssm_backends[ACCOUNT_ID][region]._resource_tags.get("Parameter", {})
        return dict(held.get(f"/{name}") or held.get(name) or {})
    if service in ("iam", "sts"):
        return _iam(kind, arn)
    if service == "logs":
        return dict(logs_backends[ACCOUNT_ID][region].tagger.get_tag_dict_for_resource(arn))
    if service == "kms":
        return dict(kms_backends[ACCOUNT_ID][region].tagger.get_tag_dict_for_resource(name))
    if service == "dynamodb":
        table = dynamodb_backends[ACCOUNT_ID][region].tables.get(name)
        return _pairs(table.tags) if table is not None else {}
    if service == "secretsmanager":
        secrets = secretsmanager_backends[ACCOUNT_ID][region].secrets.values()
        return next((_pairs(secret.tags or []) for secret in secrets if secret.arn == arn), {})
    return {}


def _ec2_identifier(kind: str, name: str, region: str) -> str:
    """EC2 keeps tags by id, but a key pair's ARN has its name."""
    pair = moto_state.ec2(region).key_pairs.get(name) if kind == "key-pair" else None
    return name if pair is None else str(pair.id)


def _rds(arn: str, region: str) -> Tags:
    backend = moto_state.rds(region)
    kind, name = arn.split(":")[-2:]
    held: dict[str, dict[str, Any]] = {
        "db": backend.databases, "subgrp": backend.subnet_groups, "pg": backend.db_parameter_groups,
        "snapshot": backend.database_snapshots, "og": backend.option_groups,
    }  # fmt: skip
    found = {key.lower(): thing for key, thing in held.get(kind, {}).items()}.get(name.lower())
    return _pairs(found.get_tags()) if found is not None else {}


def _iam(kind: str, arn: str) -> Tags:
    if kind == "user":
        return dict(moto_state.iam().tagger.get_tag_dict_for_resource(arn))
    found = next((resource for resource in _iam_things(kind) if resource.arn == arn), None)
    return _pairs(getattr(found, "tags", None) or [])


def implied(service: str, action: str, kind: str, parameters: dict[str, Any], region: str) -> Iterator[str]:
    """IDs of EC2 resources that a call refers to by an association, a name or a default."""
    if service != "ec2":
        return
    ec2 = moto_state.ec2(region)
    association = parameters.get("AssociationId") or parameters.get("AttachmentId")
    if kind == "route-table" and association:
        yield from (table.id for table in ec2.route_tables.values() if association in table.all_associations_ids)
    elif kind == "subnet" and association:
        for table in ec2.route_tables.values():
            yield from (target for key, target in table._associations.items() if key == association)
    elif kind == "elastic-ip" and (association or parameters.get("PublicIp")):
        wanted = {association, parameters.get("PublicIp")} - {None}
        yield from (
            address.allocation_id for address in ec2.addresses if {address.association_id, address.public_ip} & wanted
        )
    elif kind in ("instance", "network-interface") and association:
        for interface in list(ec2.enis.values()):
            if interface.attachment_id == association:
                instance = interface.instance.id if interface.instance else None
                yield from filter(None, [interface.id if kind == "network-interface" else instance])
    elif kind == "security-group" and (names := parameters.get("GroupName") or parameters.get("SecurityGroups")):
        if action != "CreateSecurityGroup":
            named = [names] if isinstance(names, str) else names
            yield from (group.id for groups in ec2.groups.values() for group in groups.values() if group.name in named)
    elif action == "RunInstances" and kind in ("subnet", "security-group"):
        yield from _defaults_of_a_launch(ec2, kind, parameters)


def _defaults_of_a_launch(ec2: Any, kind: str, parameters: dict[str, Any]) -> Iterator[str]:
    """A launch without a subnet uses a default subnet; without groups, the VPC's default group."""
    interfaces = parameters.get("NetworkInterfaces") or [{}]
    subnet = parameters.get("SubnetId") or interfaces[0].get("SubnetId")
    subnets = [found for zone in ec2.subnets.values() for found in zone.values()]
    if subnet:
        chosen = next((found for found in subnets if found.id == subnet), None)
    else:
        chosen = next((found for found in subnets if str(found.default_for_az) == "true"), None)
    if chosen is None:
        return
    if kind == "subnet" and not subnet:
        yield chosen.id
    if kind == "security-group" and not (parameters.get("SecurityGroupIds") or interfaces[0].get("Groups")):
        yield from (group.id for group in ec2.groups.get(chosen.vpc_id, {}).values() if group.name == "default")
