"""Databases: their network and parameter group, what their status allows, and how they end."""

from __future__ import annotations

import re

from localcloud.api.errors import AwsError
from localcloud.api.moto import managed_interfaces, moto_state
from localcloud.api.moto.account import DEFAULT_POSTGRES_VERSION
from localcloud.api.moto.reader import leads_to_internet
from localcloud.api.moto.states import databases as states
from localcloud.api.request import Call

from ..supported_actions import not_realised
from .databases import CREATES, existing, want_version
from .rules import guards, refuse_if, want_match


@guards(*CREATES, "rds:ModifyDBInstance")
def the_network_is_one(call: Call) -> None:
    params, backend = call.parameters, moto_state.rds(call.region)
    name = params.get("DBSubnetGroupName")
    group = backend.subnet_groups.get(name.lower()) if name else None
    refuse_if(name and group is None, "DBSubnetGroupNotFoundFault", f"DBSubnetGroup '{name}' not found.")
    if group is None and call.action == "ModifyDBInstance":
        group = getattr(existing(call), "db_subnet_group", None)
    groups = moto_state.security_groups(call.region)
    for identifier in params.get("VpcSecurityGroupIds") or ():
        refuse_if(
            identifier not in groups,
            "InvalidParameterValue",
            f"Invalid security group , groupId= {identifier}, groupName=.",
        )
        refuse_if(
            group is not None and groups[identifier].vpc_id != group.vpc_id,
            "InvalidParameterCombination",
            f"The DB instance and EC2 security group are in different VPCs. The DB instance is in "
            f"{getattr(group, 'vpc_id', '')} and the EC2 security group is in {groups[identifier].vpc_id}",
        )
    zone = params.get("AvailabilityZone")
    refuse_if(
        zone and params.get("MultiAZ"),
        "InvalidParameterCombination",
        "Requesting a specific availability zone is not valid for Multi-AZ instances.",
    )
    if zone and group is not None:
        zones = {subnet.availability_zone for subnet in group._subnets}
        refuse_if(
            zone not in zones,
            "InvalidParameterCombination",
            f"The subnet group '{group.name}' does not cover the availability zone {zone}",
        )


@guards(*CREATES, "rds:ModifyDBInstance")
def a_public_database_has_no_way_in(call: Call) -> None:
    """Its public address leads nowhere where no subnet has a route from the internet: then there is nothing to make real."""
    if not call.parameters.get("PubliclyAccessible"):
        return
    name = call.parameters.get("DBSubnetGroupName")
    group = moto_state.rds(call.region).subnet_groups.get(name.lower()) if name else None
    if group is None and call.action == "ModifyDBInstance":
        group = getattr(existing(call), "db_subnet_group", None)
    if group is None or any(leads_to_internet(call.region, subnet) for subnet in group._subnets):
        raise not_realised(
            call, "publicly accessible databases in subnets with a route to an internet gateway are not made real"
        )


@guards(*CREATES, "rds:ModifyDBInstance")
def the_parameter_group_is_of_the_engines_family(call: Call) -> None:
    params, backend = call.parameters, moto_state.rds(call.region)
    name = params.get("DBParameterGroupName")
    version = params.get("EngineVersion")
    if call.action == "ModifyDBInstance":
        version = version or existing(call).engine_version
    elif call.action == "RestoreDBInstanceFromDBSnapshot":
        snapshot = backend.database_snapshots.get(params["DBSnapshotIdentifier"].rsplit(":", 1)[-1].lower())
        version = snapshot.engine_version if snapshot else DEFAULT_POSTGRES_VERSION
    if not name or params.get("Engine", "postgres") != "postgres":
        return
    family = f"postgres{(version or DEFAULT_POSTGRES_VERSION).split('.')[0]}"
    group = backend.db_parameter_groups.get(name.lower())
    given = (
        group.family if group is not None else name.removeprefix("default.") if name.startswith("default.") else None
    )
    refuse_if(given is None, "DBParameterGroupNotFound", f"DBParameterGroup not found: {name}")
    refuse_if(
        given != family,
        "InvalidParameterCombination",
        f"The parameter group {name} with DBParameterGroupFamily {given} can't be used for this instance. "
        f"Use a parameter group with DBParameterGroupFamily {family}.",
    )


@guards("rds:ModifyDBSubnetGroup")
def a_subnet_with_a_database_stays_in_its_group(call: Call) -> None:
    wanted = call.parameters.get("SubnetIds") or ()
    for database in moto_state.rds(call.region).databases.values():
        group, subnet = getattr(database, "db_subnet_group", None), managed_interfaces.subnet_of(database)
        refuse_if(
            group is not None
            and group.name == call.parameters["DBSubnetGroupName"].lower()
            and subnet is not None
            and subnet.id not in wanted,
            "SubnetAlreadyInUse",
            f"Subnet {getattr(subnet, 'id', '')} is in use by {database.db_instance_identifier}",
        )


@guards("rds:ModifyDBInstance")
def a_database_stays_in_its_network(call: Call) -> None:
    name, group = call.parameters.get("DBSubnetGroupName"), getattr(existing(call), "db_subnet_group", None)
    if name and name.lower() != getattr(group, "name", ""):
        raise not_realised(call, "moving a database to another subnet group is not made real")


@guards("rds:CreateDBSubnetGroup", "rds:ModifyDBSubnetGroup")
def a_subnet_group_covers_two_zones_of_one_vpc(call: Call) -> None:
    name = call.parameters.get("DBSubnetGroupName", "")
    want_match(
        name,
        r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,254}",
        "InvalidParameterValue",
        f"The parameter DBSubnetGroupName is not valid: '{name}'",
    )
    refuse_if(name.lower() == "default", "InvalidParameterValue", "The DBSubnetGroupName 'default' is reserved.")
    refuse_if(
        not call.parameters.get("DBSubnetGroupDescription") and call.action == "CreateDBSubnetGroup",
        "InvalidParameterValue",
        "The parameter DBSubnetGroupDescription must be provided and must not be blank.",
    )
    exists = name.lower() in moto_state.rds(call.region).subnet_groups
    refuse_if(
        exists and call.action == "CreateDBSubnetGroup",
        "DBSubnetGroupAlreadyExists",
        f"The DB subnet group '{name}' already exists.",
    )
    refuse_if(
        not exists and call.action == "ModifyDBSubnetGroup",
        "DBSubnetGroupNotFoundFault",
        f"DB subnet group '{name}' does not exist.",
    )
    known = moto_state.subnets(call.region)
    wanted = list(call.parameters.get("SubnetIds") or ())
    missing = [identifier for identifier in wanted if identifier not in known]
    refuse_if(missing, "InvalidSubnet", f"Some input subnets in :{missing} are invalid.")
    refuse_if(len({known[one].vpc_id for one in wanted}) > 1, "InvalidSubnet", "Subnets are in different VPCs")
    refuse_if(
        len({known[one].availability_zone for one in wanted}) < 2,
        "DBSubnetGroupDoesNotCoverEnoughAZs",
        "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
        "Current AZ coverage: 1. Add subnets to cover at least 2 AZs.",
    )


@guards(
    "rds:ModifyDBInstance", "rds:RebootDBInstance", "rds:StopDBInstance", "rds:StartDBInstance", "rds:CreateDBSnapshot"
)
def the_status_allows_it(call: Call) -> None:
    database = existing(call)
    status, wanted = states.status_of(database), "stopped" if call.action == "StartDBInstance" else "available"
    refuse_if(
        status != wanted and not (call.action == "ModifyDBInstance" and status == "stopped"),
        "InvalidDBInstanceState",
        f"Instance {database.db_instance_identifier} is not in {wanted} state: it is {status}.",
    )


@guards("rds:ModifyDBInstance")
def the_version_only_rises(call: Call) -> None:
    version = call.parameters.get("EngineVersion")
    if not version:
        return
    want_version(version)
    there = _numbers(existing(call).engine_version)
    refuse_if(
        _numbers(version) < there[: len(_numbers(version))],
        "InvalidParameterCombination",
        f"Cannot downgrade postgres to version {version}",
    )


@guards("rds:ModifyDBInstance")
def a_major_upgrade_is_asked_for(call: Call) -> None:
    version = call.parameters.get("EngineVersion")
    refuse_if(
        version
        and _numbers(version)[0] > _numbers(existing(call).engine_version)[0]
        and not call.parameters.get("AllowMajorVersionUpgrade"),
        "InvalidParameterCombination",
        "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.",
    )


@guards("rds:RestoreDBInstanceFromDBSnapshot", "rds:DeleteDBSnapshot")
def a_snapshot_is_there_whole(call: Call) -> None:
    name = call.parameters["DBSnapshotIdentifier"].rsplit(":", 1)[-1].lower()
    snapshot = moto_state.rds(call.region).database_snapshots.get(name)
    if snapshot is None:
        raise AwsError("DBSnapshotNotFound", f"DBSnapshot {name} not found.", 404)
    refuse_if(
        snapshot.status != "available",
        "InvalidDBSnapshotState",
        f"The snapshot {name} is not in the available state: it is {snapshot.status}.",
    )


@guards("rds:RebootDBInstance")
def a_failover_needs_a_standby(call: Call) -> None:
    refuse_if(
        call.parameters.get("ForceFailover") and not existing(call).multi_az,
        "InvalidParameterCombination",
        "The DB instance cannot be failed over: it is not a Multi-AZ instance.",
    )


@guards("rds:DeleteDBInstance")
def only_an_available_database_leaves_a_snapshot(call: Call) -> None:
    database = existing(call)
    status = states.status_of(database)
    refuse_if(
        status == "deleting"
        or (call.parameters.get("FinalDBSnapshotIdentifier") and status not in ("available", "stopped")),
        "InvalidDBInstanceState",
        f"Instance {database.db_instance_identifier} is already being deleted or is {status}.",
    )


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
