"""The kinds of resources beside EC2: load balancers, the database, rights, parameters, logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..look import LOST_DATABASES
from .account import GONE, Environment, Resource, error_code, owner, pages, tags_of

# A database in one of these states holds no data yet or can give none: AWS deletes it only without a final snapshot.
WITHOUT_SNAPSHOT = {"creating", *LOST_DATABASES}


Tags = dict[str, str]


# -- load balancers ---------------------------------------------------------------------------------------
def load_balancers(environment: Environment) -> Iterator[Resource]:
    elb = environment.client("elbv2")
    for item, tags in _tagged(environment, "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"):
        arn = item["LoadBalancerArn"]
        attributes = _unless_gone(
            lambda arn=arn: elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        )
        yield Resource(
            "load balancer", arn, item["LoadBalancerName"], item["State"]["Code"],
            owner=owner(tags), vpc_ids=(item["VpcId"],),
            protected=attributes.get("deletion_protection.enabled") == "true",
        )  # fmt: skip


def delete_load_balancer(environment: Environment, resource: Resource) -> None:
    environment.client("elbv2").delete_load_balancer(LoadBalancerArn=resource.id)


def target_groups(environment: Environment) -> Iterator[Resource]:
    for item, tags in _tagged(environment, "describe_target_groups", "TargetGroups", "TargetGroupArn"):
        vpc_ids = (item["VpcId"],) if item.get("VpcId") else ()
        yield Resource(
            "target group", item["TargetGroupArn"], item["TargetGroupName"], owner=owner(tags), vpc_ids=vpc_ids
        )


def delete_target_group(environment: Environment, resource: Resource) -> None:
    environment.client("elbv2").delete_target_group(TargetGroupArn=resource.id)


def _tagged(
    environment: Environment, operation: str, key: str, arn: str
) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Those items of a load balancing operation that are the environment's, with their tags."""
    elb = environment.client("elbv2")
    items = list(pages(elb, operation, key))
    tags: dict[str, Tags] = {}
    for start in range(0, len(items), 20):  # as many as one call takes
        tags |= _balancing_tags(elb, [item[arn] for item in items[start : start + 20]])
    for item in items:
        found = Resource(key, item[arn], owner=owner(tags.get(item[arn], {})), vpc_ids=(item.get("VpcId", ""),))
        if environment.has(found):
            yield item, tags.get(item[arn], {})


def _balancing_tags(elb: Any, arns: list[str]) -> dict[str, Tags]:
    """Tags by ARN. One that went away since it was listed, whosever it was, fails the call for all: then one by one."""
    try:
        answer = elb.describe_tags(ResourceArns=arns)["TagDescriptions"]
    except Exception as error:
        if not GONE.search(error_code(error)):
            raise
        return {key: tags for arn in arns for key, tags in _balancing_tags(elb, [arn]).items()} if arns[1:] else {}
    return {entry["ResourceArn"]: tags_of(entry["Tags"]) for entry in answer}


# -- the database -----------------------------------------------------------------------------------------
def databases(environment: Environment) -> Iterator[Resource]:
    for item in pages(environment.client("rds"), "describe_db_instances", "DBInstances"):
        status = item["DBInstanceStatus"]
        yield Resource(
            "database", item["DBInstanceIdentifier"], state=status, deleting=status == "deleting",
            owner=owner(tags_of(item.get("TagList"))), vpc_ids=(item.get("DBSubnetGroup", {}).get("VpcId", ""),),
            protected=bool(item.get("DeletionProtection")),
            data=f"{item['Engine']} {item['EngineVersion']}, {item['AllocatedStorage']} GiB, and its automated backups",
            detail={"snapshot": environment.final_snapshot if status not in WITHOUT_SNAPSHOT else None},
        )  # fmt: skip


def delete_database(environment: Environment, resource: Resource) -> None:
    snapshot = resource.detail["snapshot"]
    final = {"FinalDBSnapshotIdentifier": snapshot} if snapshot else {}
    environment.client("rds").delete_db_instance(
        DBInstanceIdentifier=resource.id, SkipFinalSnapshot=not snapshot, DeleteAutomatedBackups=True, **final
    )


def subnet_groups(environment: Environment) -> Iterator[Resource]:
    for item in pages(environment.client("rds"), "describe_db_subnet_groups", "DBSubnetGroups"):
        if item["DBSubnetGroupName"].startswith(environment.prefix) or item["VpcId"] in environment.vpc_ids:
            tags = _rds_tags(environment, item["DBSubnetGroupArn"])
            yield Resource(
                "database subnet group", item["DBSubnetGroupName"], owner=owner(tags), vpc_ids=(item["VpcId"],)
            )


def delete_subnet_group(environment: Environment, resource: Resource) -> None:
    environment.client("rds").delete_db_subnet_group(DBSubnetGroupName=resource.id)


def parameter_groups(environment: Environment) -> Iterator[Resource]:
    for item in pages(environment.client("rds"), "describe_db_parameter_groups", "DBParameterGroups"):
        if item["DBParameterGroupName"].startswith(environment.prefix):
            tags = _rds_tags(environment, item["DBParameterGroupArn"])
            yield Resource("database parameter group", item["DBParameterGroupName"], owner=owner(tags))


def delete_parameter_group(environment: Environment, resource: Resource) -> None:
    environment.client("rds").delete_db_parameter_group(DBParameterGroupName=resource.id)


def snapshots(environment: Environment) -> Iterator[Resource]:
    final = re.compile(rf"{re.escape(environment.prefix)}-final-[0-9]{{14}}")
    unmistakable = environment.prefix.count("-") == 1  # otherwise another project and name compose it too
    for item in pages(environment.client("rds"), "describe_db_snapshots", "DBSnapshots", SnapshotType="manual"):
        tags = tags_of(item.get("TagList"))
        # A final snapshot has the tags of its database only where the database copies them.
        named = not tags and unmistakable and final.fullmatch(item["DBSnapshotIdentifier"])
        yield Resource(
            "database snapshot", item["DBSnapshotIdentifier"], state=item["Status"],
            owner=environment.owner if named else owner(tags),
            deleting=item["Status"] == "deleting", data=f"{item.get('AllocatedStorage', 0)} GiB",
        )  # fmt: skip


def delete_snapshot(environment: Environment, resource: Resource) -> None:
    environment.client("rds").delete_db_snapshot(DBSnapshotIdentifier=resource.id)


def _rds_tags(environment: Environment, arn: str) -> Tags:
    rds = environment.client("rds")
    return _unless_gone(lambda: rds.list_tags_for_resource(ResourceName=arn)["TagList"])


# -- rights -----------------------------------------------------------------------------------------------
def instance_profiles(environment: Environment) -> Iterator[Resource]:
    iam = environment.client("iam")
    for item in pages(iam, "list_instance_profiles", "InstanceProfiles"):
        name = item["InstanceProfileName"]
        if name.startswith(environment.prefix):
            # The list comes without tags.
            tags = _unless_gone(
                lambda name=name: iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"].get("Tags")
            )
            yield Resource(
                "instance profile",
                name,
                owner=owner(tags),
                detail={"roles": [role["RoleName"] for role in item["Roles"]]},
            )


def delete_instance_profile(environment: Environment, resource: Resource) -> None:
    iam = environment.client("iam")
    for role in resource.detail["roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=resource.id, RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=resource.id)


def roles(environment: Environment) -> Iterator[Resource]:
    iam = environment.client("iam")
    for item in pages(iam, "list_roles", "Roles"):
        name = item["RoleName"]
        if name.startswith(environment.prefix):
            tags = _unless_gone(lambda name=name: iam.list_role_tags(RoleName=name)["Tags"])
            yield Resource("role", name, owner=owner(tags))


def delete_role(environment: Environment, resource: Resource) -> None:
    iam = environment.client("iam")
    for policy in pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=resource.id):
        iam.detach_role_policy(RoleName=resource.id, PolicyArn=policy["PolicyArn"])
    for name in pages(iam, "list_role_policies", "PolicyNames", RoleName=resource.id):
        iam.delete_role_policy(RoleName=resource.id, PolicyName=name)
    iam.delete_role(RoleName=resource.id)


# -- parameters and logs ----------------------------------------------------------------------------------
def parameters(environment: Environment) -> Iterator[Resource]:
    under = [{"Key": "Path", "Option": "Recursive", "Values": [environment.parameter_path.rstrip("/")]}]
    for item in pages(environment.client("ssm"), "describe_parameters", "Parameters", ParameterFilters=under):
        data = "a secret" if item["Type"] == "SecureString" else ""
        yield Resource("parameter", item["Name"], data=data)


def delete_parameter(environment: Environment, resource: Resource) -> None:
    environment.client("ssm").delete_parameter(Name=resource.id)


def log_groups(environment: Environment) -> Iterator[Resource]:
    logs = environment.client("logs")
    for item in pages(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=environment.parameter_path):
        yield Resource("log group", item["logGroupName"], data="its log")


def delete_log_group(environment: Environment, resource: Resource) -> None:
    environment.client("logs").delete_log_group(logGroupName=resource.id)


def _unless_gone(ask: Any) -> Tags:
    """The tags, or none where the resource went away since it was listed."""
    try:
        return tags_of(ask())
    except Exception as error:
        if GONE.search(error_code(error)):
            return {}
        raise
