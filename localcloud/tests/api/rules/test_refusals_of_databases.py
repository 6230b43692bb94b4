"""Refusals of further kinds, with their accepted twins: databases, snapshots, subnet groups, parameter groups."""

from __future__ import annotations

from typing import Any

import pytest

from ..helpers import Clients, World, refused
from .test_refusals import Row, database, rds, refuse_and_accept, subnets

VALUE, COMBINATION = "InvalidParameterValue", "InvalidParameterCombination"
BIG = {"StorageType": "io1", "AllocatedStorage": 100}
DATABASE = "arn:aws:rds:us-east-1:123456789012:db:"
KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"


def modify(code: str, refused: dict[str, Any], accepted: dict[str, Any] | None) -> Row:
    """Changes of the database `world`."""
    return rds(
        "modify_db_instance",
        code,
        lambda w, n: {"DBInstanceIdentifier": "world", **refused},
        None if accepted is None else lambda w, n: {"DBInstanceIdentifier": "world", **accepted},
    )


ROWS = {
    "identifier of 64 letters": rds(
        "create_db_instance", VALUE, lambda w, n: w.database("d" * 64), lambda w, n: w.database("d" * 63)
    ),
    "identifier in another case": rds(
        "create_db_instance", "DBInstanceAlreadyExists", lambda w, n: w.database("WORLD"), lambda w, n: w.database(n.upper())
    ),
    "few IOPS": database(COMBINATION, {**BIG, "Iops": 999}, {**BIG, "Iops": 1000}),
    "many IOPS": database(COMBINATION, {**BIG, "Iops": 5001}, {**BIG, "Iops": 5000}),
    "backup window of 10 minutes": database(
        VALUE, {"PreferredBackupWindow": "01:00-01:10"}, {"PreferredBackupWindow": "23:45-00:15"}
    ),
    "backup window at 25 o'clock": database(
        VALUE, {"PreferredBackupWindow": "25:00-26:00"}, {"PreferredBackupWindow": "01:00-02:00"}
    ),
    "maintenance window of no day": database(
        VALUE,
        {"PreferredMaintenanceWindow": "xyz:00:00-xyz:01:00"},
        {"PreferredMaintenanceWindow": "Sun:23:45-Mon:00:15"},
    ),
    "windows over one another": database(
        VALUE,
        {"PreferredBackupWindow": "01:30-02:30", "PreferredMaintenanceWindow": "mon:01:00-mon:02:00"},
        {"PreferredBackupWindow": "02:00-02:30", "PreferredMaintenanceWindow": "mon:01:00-mon:02:00"},
    ),
    "licence": database(COMBINATION, {"LicenseModel": "bring-your-own-license"}, {"LicenseModel": "postgresql-license"}),
    "key without encryption": database(COMBINATION, {"KmsKeyId": KEY}, {"StorageEncrypted": True}),
    "key that is not": database(
        "KMSKeyNotAccessibleFault",
        {"KmsKeyId": KEY, "StorageEncrypted": True},
        {"KmsKeyId": "alias/aws/rds", "StorageEncrypted": True},
    ),
    "authority": database(
        "CertificateNotFound", {"CACertificateIdentifier": "rds-ca-1999"}, {"CACertificateIdentifier": "rds-ca-rsa2048-g1"}
    ),
    "network type": database(VALUE, {"NetworkType": "IPV9"}, {"NetworkType": "IPV4"}),
    "managed password beside one's own": database(
        COMBINATION, {"ManageMasterUserPassword": True}, {"ManageMasterUserPassword": False}
    ),
    "tag with *": database(VALUE, {"Tags": [{"Key": "a*b", "Value": ""}]}, {"Tags": [{"Key": "ä/b", "Value": ""}]}),
    "tag of RDS's own": database(VALUE, {"Tags": [{"Key": "rds:a", "Value": ""}]}, {"Tags": [{"Key": "rdsa", "Value": ""}]}),
    "offers for an engine that is not": rds(
        "describe_orderable_db_instance_options",
        VALUE,
        lambda w, n: {"Engine": "postgrex"},
        lambda w, n: {"Engine": "postgres"},
    ),
    "tags of nothing": rds(
        "add_tags_to_resource",
        "DBInstanceNotFound",
        lambda w, n: {"ResourceName": f"{DATABASE}{n}", "Tags": [{"Key": "a", "Value": "b"}]},
        lambda w, n: {"ResourceName": f"{DATABASE}world", "Tags": [{"Key": "a", "Value": "b"}]},
    ),
    "rename to what is there": modify("DBInstanceAlreadyExists", {"NewDBInstanceIdentifier": "world"}, None),
    "major upgrade unasked": modify(COMBINATION, {"EngineVersion": "18.1"}, {"BackupRetentionPeriod": 3}),
    "other backup window": modify(VALUE, {"PreferredBackupWindow": "x"}, {"PreferredBackupWindow": "05:00-05:30"}),
    "failover without a standby": rds(
        "reboot_db_instance", COMBINATION, lambda w, n: {"DBInstanceIdentifier": "world", "ForceFailover": True}, None
    ),
    "snapshot to restore that is not": rds(
        "restore_db_instance_from_db_snapshot",
        "DBSnapshotNotFound",
        lambda w, n: {"DBInstanceIdentifier": n, "DBSnapshotIdentifier": "none"},
        None,
    ),
    "subnet group without a description": rds(
        "create_db_subnet_group",
        VALUE,
        lambda w, n: {**subnets(n, w.a, w.b), "DBSubnetGroupDescription": ""},
        lambda w, n: subnets(n, w.a, w.b),
    ),
    "subnet group that is not": rds(
        "modify_db_subnet_group",
        "DBSubnetGroupNotFoundFault",
        lambda w, n: {"DBSubnetGroupName": n, "SubnetIds": [w.a, w.b]},
        None,
    ),
    "subnet group without its database's subnet": rds(
        "modify_db_subnet_group",
        "SubnetAlreadyInUse",
        lambda w, n: {"DBSubnetGroupName": "world", "SubnetIds": [w.other_a, w.other_b]},
        lambda w, n: {"DBSubnetGroupName": "world", "SubnetIds": [w.a, w.b]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", [pytest.param(row, id=title.replace(" ", "-")) for title, row in ROWS.items()])
def test_refused_and_put_right_accepted(row: Row, world: World, clients: Clients, name: str) -> None:
    refuse_and_accept(row, world, clients, name)


@pytest.mark.parametrize(
    "params",
    [
        {"MultiAZ": True},
        {"EnableIAMDatabaseAuthentication": True},
        {"NetworkType": "DUAL"},
        {"Domain": "d-0123456789"},
        {"CharacterSetName": "UTF8"},
        {"ManageMasterUserPassword": True, "MasterUserPassword": None},
    ],
    ids=lambda params: next(iter(params)),
)
def test_what_is_not_realised_of_a_database(world: World, name: str, params: dict[str, Any]) -> None:
    asked = {key: value for key, value in world.database(name, **params).items() if value is not None}
    assert refused(world.rds.create_db_instance, **asked) == "NotRealised"


def test_a_database_keeps_its_name_and_its_network(world: World, name: str) -> None:
    world.rds.create_db_subnet_group(**subnets(name, world.a2, world.b))
    modify_it = world.rds.modify_db_instance
    assert refused(modify_it, DBInstanceIdentifier="world", DBSubnetGroupName=name) == "NotRealised"
    assert refused(modify_it, DBInstanceIdentifier="world", NewDBInstanceIdentifier=name) == "NotRealised"
    modify_it(DBInstanceIdentifier="world", DBSubnetGroupName="world", CopyTagsToSnapshot=True)


def test_what_the_state_of_a_database_and_its_snapshot_allows(world: World, name: str) -> None:
    rds = world.rds
    rds.create_db_instance(**world.database(name, DeletionProtection=True))
    one = {"DBInstanceIdentifier": name}
    assert refused(rds.modify_db_instance, **one, BackupRetentionPeriod=3) == "InvalidDBInstanceState"
    assert refused(rds.create_db_snapshot, **one, DBSnapshotIdentifier=name) == "InvalidDBInstanceState"
    assert refused(rds.reboot_db_instance, **one) == "InvalidDBInstanceState"
    rds.get_waiter("db_instance_available").wait(**one)
    assert refused(rds.delete_db_instance, **one, SkipFinalSnapshot=True) == "InvalidParameterCombination"
    rds.create_db_snapshot(**one, DBSnapshotIdentifier=name)
    restore = {"DBInstanceIdentifier": f"{name}-2", "DBSnapshotIdentifier": name, "DBSubnetGroupName": "world"}
    assert refused(rds.restore_db_instance_from_db_snapshot, **restore) == "InvalidDBSnapshotState"
    assert refused(rds.delete_db_snapshot, DBSnapshotIdentifier=name) == "InvalidDBSnapshotState"
    rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier=name)
    rds.restore_db_instance_from_db_snapshot(**restore)
    rds.delete_db_instance(DBInstanceIdentifier=f"{name}-2", SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_available").wait(**one)
    rds.modify_db_instance(**one, DeletionProtection=False)
    rds.delete_db_instance(**one, SkipFinalSnapshot=True)
    assert refused(rds.delete_db_instance, **one, SkipFinalSnapshot=True) == "InvalidDBInstanceState"
