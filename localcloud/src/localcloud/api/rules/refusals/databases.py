"""Databases: names, engine, class, storage, users, networks, states."""

from __future__ import annotations

from typing import Any

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.moto.account import database_classes, is_postgres_version
from localcloud.api.request import Call

from .others import knows_key
from .rules import guards, refuse_if, want_match, want_range

ENGINES = {
    "postgres", "mysql", "mariadb", "aurora-mysql", "aurora-postgresql", "oracle-ee", "oracle-se2", "sqlserver-ee",
    "sqlserver-se", "sqlserver-ex", "sqlserver-web", "db2-se", "db2-ae", "custom-oracle-ee", "custom-sqlserver-ee",
}  # fmt: skip
STORAGE_GIB = {"gp2": (20, 65536), "gp3": (20, 65536), "io1": (100, 65536), "io2": (100, 65536), "standard": (5, 3072)}
GP3_STRIPED = 400
LEAST_IOPS = 1000  # of io1 and io2
IOPS_OF_A_GIB = (0.5, 50)  # of io1 and io2
AUTHORITIES = {"rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"}
RESERVED_USERS = {"admin", "rdsadmin", "rds_superuser", "rdsrepladmin", "public", "user", "role", "none", "current_user",
                  "session_user", "all", "select", "table", "database", "replication"}  # fmt: skip
IDENTIFIER = r"[A-Za-z](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,62}"
LONG_IDENTIFIER = r"[A-Za-z](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,254}"
IDENTIFIER_RULE = (
    "Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; "
    "and must not end with a hyphen or contain two consecutive hyphens."
)
CREATES = ("rds:CreateDBInstance", "rds:RestoreDBInstanceFromDBSnapshot")


@guards(*CREATES, "rds:ModifyDBInstance")
def a_database_is_well_named(call: Call) -> None:
    for member in ("DBInstanceIdentifier", "NewDBInstanceIdentifier"):
        name = call.parameters.get(member)
        want_match(
            name,
            IDENTIFIER,
            "InvalidParameterValue",
            f"The parameter {member} is not a valid identifier. {IDENTIFIER_RULE}",
        )


@guards("rds:CreateDBSnapshot", "rds:DeleteDBInstance")
def a_snapshot_is_well_named(call: Call) -> None:
    for member in ("DBSnapshotIdentifier", "FinalDBSnapshotIdentifier"):
        name = call.parameters.get(member)
        want_match(
            name,
            LONG_IDENTIFIER,
            "InvalidParameterValue",
            f"The parameter {member} is not a valid identifier. {IDENTIFIER_RULE}",
        )


@guards("rds:CreateDBInstance")
def the_engine_exists(call: Call) -> None:
    params = call.parameters
    engine = params.get("Engine")
    refuse_if(engine not in ENGINES, "InvalidParameterValue", f"Invalid DB engine: {engine}")
    if engine == "postgres" and params.get("EngineVersion"):
        want_version(params["EngineVersion"])


@guards("rds:DescribeOrderableDBInstanceOptions")
def an_engine_asked_for_exists(call: Call) -> None:
    engine = call.parameters.get("Engine")
    refuse_if(engine not in ENGINES, "InvalidParameterValue", f"Unrecognized engine name: {engine}")


def want_version(version: str) -> None:
    """Refuse what is no version of PostgreSQL on RDS: 17 and 17.6 are."""
    refuse_if(
        not is_postgres_version(version), "InvalidParameterCombination", f"Cannot find version {version} for postgres"
    )


@guards(*CREATES, "rds:ModifyDBInstance")
def the_class_exists(call: Call) -> None:
    name = call.parameters.get("DBInstanceClass")
    if name is None:
        refuse_if(
            call.action == "CreateDBInstance",
            "MissingParameter",
            "The request must contain the parameter DBInstanceClass",
        )
        return
    exists = name in database_classes(moto_state.instance_types(call.region))
    refuse_if(not exists, "InvalidParameterValue", f"Invalid DB Instance class: {name}")


@guards("rds:CreateDBInstance", "rds:ModifyDBInstance")
def storage_has_a_size_of_its_type(call: Call) -> None:
    params = call.parameters
    there = existing(call) if call.action == "ModifyDBInstance" else None
    size, iops, throughput = params.get("AllocatedStorage"), params.get("Iops"), params.get("StorageThroughput")
    kind = params.get("StorageType") or (there.storage_type if there else "gp2")
    refuse_if(kind not in STORAGE_GIB, "InvalidParameterValue", f"Invalid storage type: {kind}")
    refuse_if(
        there is None and size is None, "MissingParameter", "The request must contain the parameter AllocatedStorage"
    )
    want_range(
        size,
        *STORAGE_GIB[kind],
        "InvalidParameterValue",
        f"Invalid storage size for engine name postgres and storage type {kind}: {size}",
    )
    refuse_if(
        there is not None and size is not None and int(size) < int(there.allocated_storage),
        "InvalidParameterValue",
        "Requested storage size must not be less than the current storage size.",
    )
    total = int(size or (there.allocated_storage if there else 0))
    refuse_if(
        kind in ("io1", "io2") and iops is None and there is None,
        "InvalidParameterCombination",
        f"Invalid iops to storage combination for {kind}: you must specify Iops",
    )
    if kind in ("io1", "io2") and iops is not None:
        least, most_of_a_gib = IOPS_OF_A_GIB
        refuse_if(
            int(iops) < LEAST_IOPS or not least * total <= int(iops) <= most_of_a_gib * total,
            "InvalidParameterCombination",
            f"Invalid iops to storage (GB) ratio: {iops} to {total}; it must be {least} to {most_of_a_gib}",
        )
    refuse_if(
        kind == "gp3" and total < GP3_STRIPED and (iops is not None or throughput is not None) and there is None,
        "InvalidParameterCombination",
        f"You can't specify IOPS or storage throughput for engine postgres and a storage size less than {GP3_STRIPED}.",
    )
    refuse_if(
        kind in ("gp2", "standard") and iops,
        "InvalidParameterCombination",
        f"You can't specify IOPS for storage type {kind}.",
    )
    most = params.get("MaxAllocatedStorage")
    refuse_if(
        most is not None and total and int(most) <= total,
        "InvalidParameterCombination",
        f"Max storage size must be greater than storage size: {most}",
    )


@guards("rds:CreateDBInstance", "rds:ModifyDBInstance")
def users_and_passwords_are_well_formed(call: Call) -> None:
    params = call.parameters
    user, password = params.get("MasterUsername"), params.get("MasterUserPassword")
    if call.action == "CreateDBInstance":
        refuse_if(
            not user, "InvalidParameterValue", "The parameter MasterUsername must be provided and must not be blank."
        )
        refuse_if(
            not password and not params.get("ManageMasterUserPassword"),
            "InvalidParameterValue",
            "The parameter MasterUserPassword must be provided and must not be blank.",
        )
        refuse_if(
            password and params.get("ManageMasterUserPassword"),
            "InvalidParameterCombination",
            "You can't specify MasterUserPassword for an instance with ManageMasterUserPassword enabled.",
        )
        want_match(
            user,
            r"[A-Za-z][A-Za-z0-9_]{0,62}",
            "InvalidParameterValue",
            "The parameter MasterUsername must be 1 to 63 alphanumeric characters and begin with a letter.",
        )
        refuse_if(
            str(user).lower() in RESERVED_USERS or str(user).lower().startswith("pg_"),
            "InvalidParameterValue",
            f"MasterUsername {user} cannot be used as it is a reserved word used by the engine",
        )
    if password:
        refuse_if(
            not 8 <= len(password) <= 128,
            "InvalidParameterValue",
            "The parameter MasterUserPassword is not a valid password because it is not 8 to 128 characters long.",
        )
        want_match(password, r'[!-~]+(?<![/@" ])', "InvalidParameterValue", _NOT_ALLOWED)
        refuse_if(set(password) & set('/@" '), "InvalidParameterValue", _NOT_ALLOWED)


_NOT_ALLOWED = (
    "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides '/', '@', '\"', ' ' "
    "may be used."
)


@guards("rds:CreateDBInstance")
def the_first_database_is_well_named(call: Call) -> None:
    name = call.parameters.get("DBName")
    want_match(
        name,
        r"[A-Za-z][A-Za-z0-9_]{0,62}",
        "InvalidParameterValue",
        "DBName must begin with a letter and contain only alphanumeric characters.",
    )
    refuse_if(
        name is not None and name.lower() in ("database", "table", "select", "user", "rdsadmin"),
        "InvalidParameterValue",
        f"DBName {name} cannot be used. It is a reserved word for this engine",
    )


NUMBERS = {
    "BackupRetentionPeriod": (0, 35),
    "Port": (1150, 65535),
    "DBPortNumber": (1150, 65535),
    "PromotionTier": (0, 15),
}
CHOICES = {
    "MonitoringInterval": (0, 1, 5, 10, 15, 30, 60),
    "PerformanceInsightsRetentionPeriod": (7, 731, *range(31, 731, 31)),
}
EXPORTS = {"postgresql", "upgrade", "iam-db-auth-error"}


@guards(*CREATES, "rds:ModifyDBInstance")
def numbers_are_allowed(call: Call) -> None:
    params = call.parameters
    for member, bounds in NUMBERS.items():
        value = params.get(member)
        want_range(
            value,
            *bounds,
            "InvalidParameterValue",
            f"Invalid value {value} for {member}: must be {bounds[0]} to {bounds[1]}",
        )
    for member, allowed in CHOICES.items():
        value = params.get(member)
        refuse_if(
            value is not None and value not in allowed, "InvalidParameterValue", f"Invalid value {value} for {member}"
        )
    for name in params.get("EnableCloudwatchLogsExports") or ():
        refuse_if(
            name not in EXPORTS,
            "InvalidParameterCombination",
            f"You cannot use the log types '{name}' with engine version postgres",
        )


@guards(*CREATES, "rds:ModifyDBInstance")
def choices_are_of_the_engine(call: Call) -> None:
    params = call.parameters
    license_model = params.get("LicenseModel")
    refuse_if(
        license_model not in (None, "postgresql-license") and params.get("Engine", "postgres") == "postgres",
        "InvalidParameterCombination",
        f"Invalid license model '{license_model}' for engine 'postgres'. Valid license models are: postgresql-license.",
    )
    authority = params.get("CACertificateIdentifier")
    refuse_if(
        authority is not None and authority not in AUTHORITIES,
        "CertificateNotFound",
        f"Certificate not found: {authority}",
    )
    network = params.get("NetworkType")
    refuse_if(network not in (None, "IPV4", "DUAL"), "InvalidParameterValue", f"Invalid network type: {network}")
    key = params.get("KmsKeyId")
    refuse_if(
        key and not params.get("StorageEncrypted"),
        "InvalidParameterCombination",
        "A KMS key can be specified for encrypted storage only.",
    )
    refuse_if(
        key and not knows_key(call.region, key), "KMSKeyNotAccessibleFault", f"The specified KMS key {key} is not there"
    )


@guards("rds:ModifyDBInstance")
def a_new_name_is_free(call: Call) -> None:
    name = (call.parameters.get("NewDBInstanceIdentifier") or "").lower()
    there = name in moto_state.rds(call.region).databases
    refuse_if(there, "DBInstanceAlreadyExists", f"DB instance already exists: {name}")


def existing(call: Call) -> Any:
    """moto's database that the call names. Raises AwsError DBInstanceNotFound."""
    name = call.parameters["DBInstanceIdentifier"]
    for database in moto_state.rds(call.region).databases.values():
        if name.lower() in (database.db_instance_identifier, database.db_instance_arn.lower()):
            return database
    raise AwsError("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
