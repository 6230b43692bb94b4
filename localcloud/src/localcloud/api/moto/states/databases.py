"""RDS instances and snapshots: their states, new master passwords, and changes that wait for a reboot."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from typing import Any

from moto.rds.models import DBInstance, DBSnapshot, RDSBackend

from localcloud.contract.reality import with_password

from .. import lifecycle, managed_interfaces
from ..patching import replace, wrap

# Changes that wait for the maintenance window unless ApplyImmediately is set.
DEFERRED = {
    "allocated_storage", "backup_retention_period", "db_instance_class", "engine_version", "iops", "license_model", "multi_az",
    "port", "db_port_number", "storage_throughput", "storage_type",
}  # fmt: skip
ATTRIBUTES = {"db_port_number": "port"}


# -- status -------------------------------------------------------------------------------------------------
def status_of(database: Any) -> str:
    """The status that AWS would show now."""
    clock = lifecycle.current()
    final: str = database._final_status
    if database._activity == "deleting":
        return "deleting"
    if clock.failure(database.db_instance_arn):
        return "failed"
    if database._activity is None:
        return final
    reached = clock.is_gone if final == "stopped" else clock.is_real
    over = clock.over(f"database {database._activity}", database._since)
    if not over or not reached(database.db_instance_arn):
        return str(database._activity)
    database._activity = None
    return final


def begin(database: Any, activity: str, *, boots: int = 0) -> None:
    """Begin a transitional status: creating, modifying, rebooting, stopping, starting or deleting."""
    database._activity = activity
    database._since = time.monotonic()
    if boots:
        database._boots = getattr(database, "_boots", 0) + boots
        database._booted_group, database._applied = group_of(database).name, user_parameters(group_of(database))


def is_in_transition(database: Any) -> bool:
    return status_of(database) not in ("available", "stopped", "failed")


def _endpoint(database: Any) -> dict[str, Any] | None:
    if status_of(database) == "creating":
        return None
    return {"Address": database.address, "Port": database.port, "HostedZoneId": "Z2R2ITUGPM61AM"}


def _address(database: Any) -> str:
    """As on AWS, all databases of an account and region share a part of their names."""
    mark = hashlib.sha256(f"{database.account_id}{database.region}".encode()).hexdigest()[:11]
    return f"{database.db_instance_identifier}.c{mark}.{database.region}.rds.amazonaws.com"


# -- parameters ---------------------------------------------------------------------------------------------
def group_of(database: Any) -> Any:
    """moto's parameter group of the database (by default, the engine's)."""
    return database.db_parameter_groups()[0]


def user_parameters(group: Any) -> dict[str, str]:
    """Values that differ from the engine's defaults."""
    return {
        name: str(parameter["ParameterValue"])
        for name, parameter in group.parameters.items()
        if parameter.get("Source") != "engine-default" and parameter.get("ParameterValue") is not None
    }


def parameters_changed(backend: Any, group: Any, names: set[str]) -> None:
    """Apply dynamic parameters (ApplyMethod immediate) to the databases that booted with the group."""
    values = user_parameters(group)
    for database in list(backend.databases.values()):
        if database._booted_group != group.name:
            continue
        for name in names:
            if group.parameters[name].get("ApplyMethod") == "immediate":
                database._applied.pop(name, None)
                if name in values:
                    database._applied[name] = values[name]


def _parameter_status(database: Any) -> list[dict[str, str]]:
    group = group_of(database)
    in_sync = database._booted_group == group.name and database._applied == user_parameters(group)
    return [{"DBParameterGroupName": group.name, "ParameterApplyStatus": "in-sync" if in_sync else "pending-reboot"}]


# -- changes ------------------------------------------------------------------------------------------------
def _modify(modify: Any, backend: Any, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> Any:
    database = backend.describe_db_instances(db_instance_identifier)[0]
    immediately = db_kwargs.pop("apply_immediately", None) in (True, "true")
    for key in DEFERRED & db_kwargs.keys():
        value = db_kwargs.pop(key)
        if value is not None and str(value) != str(getattr(database, ATTRIBUTES.get(key, key), None)):
            database._pending[ATTRIBUTES.get(key, key)] = value
    password = db_kwargs.get("master_user_password")
    is_reset = bool(password) and password != database._master_user_password
    result = modify(backend, db_instance_identifier, db_kwargs)
    if is_reset:  # always immediate, whatever ApplyImmediately says
        database._pending_password, database._reset_since = password, math.inf
        _begin_soon(database, _reset)
    if immediately and database._pending:
        _begin_soon(database, _change)
    return result


def _begin_soon(database: Any, change: Callable[[Any], None]) -> None:
    """Until AWS begins with a change, it says `available`, and what is pending."""

    def begin_unless_it_goes() -> None:
        if database._activity != "deleting":
            change(database)

    lifecycle.current().schedule(
        "database change noticed",
        begin_unless_it_goes,
        lambda: database._activity == "deleting" or not is_in_transition(database),
    )


def _reset(database: Any) -> None:
    database._reset_since = time.monotonic()
    begin(database, "resetting-master-credentials")


def _change(database: Any) -> None:
    begin(database, "modifying")
    lifecycle.current().schedule("database modifying", lambda: _apply_pending(database))


def _is_resetting(database: Any) -> bool:
    """Whether a new master password is pending, because the server does not have it yet."""
    clock = lifecycle.current()
    if (
        database._pending_password
        and clock.over("database resetting-master-credentials", database._reset_since)
        and clock.is_real(with_password(database.db_instance_arn, database._pending_password))
    ):
        database._pending_password = ""
    return bool(database._pending_password)


def _apply_pending(database: Any) -> None:
    for key, value in database._pending.items():
        setattr(database, key, value)
    database._pending = {}


def _pending_values(database: Any) -> dict[str, Any]:
    names = {"db_instance_class": "DBInstanceClass", "multi_az": "MultiAZ"}
    camel = {key: names.get(key, "".join(part.title() for part in key.split("_"))) for key in database._pending}
    values = {camel[key]: value for key, value in database._pending.items()}
    return values | ({"MasterUserPassword": "****"} if _is_resetting(database) else {})


def _delete(
    delete: Any, backend: Any, db_instance_identifier: str, final_db_snapshot_identifier: Any = None, **k: Any
) -> Any:
    database = delete(backend, db_instance_identifier, final_db_snapshot_identifier, **k)
    backend.databases[db_instance_identifier] = database  # shown as `deleting` until it is gone
    begin(database, "deleting")
    snapshot = backend.database_snapshots.get((final_db_snapshot_identifier or "").lower())
    lifecycle.current().schedule(
        "database deleting",
        lambda: _forget(backend, database),
        lambda: snapshot is None or lifecycle.current().is_real(snapshot.db_snapshot_arn),
    )
    return database


def _forget(backend: Any, database: Any) -> None:
    backend.databases.pop(database.db_instance_identifier, None)
    managed_interfaces.sync(database.region)


def _snapshot_status(snapshot: Any) -> str:
    clock = lifecycle.current()
    if not snapshot._settled:
        is_real = snapshot.snapshot_type != "manual" or clock.is_real(snapshot.db_snapshot_arn)
        snapshot._settled = is_real and clock.over("snapshot creating", snapshot._since)
    return "available" if snapshot._settled else "creating"


def _begins(activity: str, *, boots: int = 0) -> Any:
    """Wrap a backend method that begins this activity."""

    def around(method: Any, /, *args: Any, **kwargs: Any) -> Any:
        database = method(*args, **kwargs)
        begin(database, activity, boots=boots)
        return database

    return around


def _restore(restore: Any, backend: Any, from_snapshot_id: str, overrides: dict[str, Any]) -> Any:
    name = from_snapshot_id.rsplit(":", 1)[-1].lower()
    database: Any = restore(backend, from_snapshot_id, overrides)
    database._restore_from = backend.database_snapshots[name].db_snapshot_arn
    return database


def _set_parameters(
    set_parameters: Any, backend: Any, db_parameter_group_name: str, db_parameter_group_parameters: Any
) -> Any:
    given = list(db_parameter_group_parameters)
    group = set_parameters(backend, db_parameter_group_name, given)
    parameters_changed(backend, group, {parameter["ParameterName"] for parameter in given})
    return group


def _make(init: Any, database: Any, /, *args: Any, **kwargs: Any) -> None:
    database._activity, database._pending, database._restore_from = None, {}, None
    database._pending_password = ""
    database._final_status = "available"
    init(database, *args, **kwargs)
    group = getattr(database, "db_subnet_group", None)
    if group is not None and database.availability_zone not in {subnet.availability_zone for subnet in group._subnets}:
        database.availability_zone = group._subnets[0].availability_zone
    digest = hashlib.sha256(f"{database.db_instance_arn}{time.time()}".encode()).hexdigest()
    database.dbi_resource_id = f"db-{digest[:26].upper()}"
    begin(database, "creating", boots=1)


def _make_snapshot(init: Any, snapshot: Any, /, *args: Any, **kwargs: Any) -> None:
    snapshot._since, snapshot._settled = time.monotonic(), False
    init(snapshot, *args, **kwargs)


def apply() -> None:
    wrap(DBInstance, __init__=_make)
    replace(
        DBInstance,
        status=property(status_of, lambda self, value: setattr(self, "_final_status", value)),
        endpoint=property(_endpoint),
        address=property(_address),
        db_parameter_group_status_list=property(_parameter_status),
        pending_modified_values=property(_pending_values),
    )
    wrap(DBSnapshot, __init__=_make_snapshot)
    replace(DBSnapshot, status=property(_snapshot_status, lambda self, value: None))
    wrap(
        RDSBackend,
        reboot_db_instance=_begins("rebooting", boots=1),
        stop_db_instance=_begins("stopping"),
        start_db_instance=_begins("starting", boots=1),
        modify_db_instance=_modify,
        delete_db_instance=_delete,
        restore_db_instance_from_db_snapshot=_restore,
        modify_db_parameter_group=_set_parameters,
    )
