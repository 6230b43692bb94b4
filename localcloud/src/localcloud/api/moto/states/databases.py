"""RDS instances and snapshots: their states from creating to deleting, new master passwords, what waits for a reboot."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from moto.rds.models import DBInstance, DBSnapshot, RDSBackend

from localcloud.contract.reality import with_password

from .. import lifecycle
from ..patching import replace

# Changes that wait for the maintenance window unless ApplyImmediately is set.
DEFERRED = {
    "allocated_storage", "backup_retention_period", "db_instance_class", "engine_version", "iops", "license_model", "multi_az",
    "port", "db_port_number", "storage_throughput", "storage_type",
}  # fmt: skip
ATTRIBUTES = {"db_port_number": "port"}


# -- status -------------------------------------------------------------------------------------------------
def status_of(database: Any) -> str:
    """The status as AWS would show it now."""
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
    """Start a passing status: creating, modifying, rebooting, stopping, starting or deleting."""
    database._activity = activity
    database._since = time.monotonic()
    if boots:
        database._boots = getattr(database, "_boots", 0) + boots
        database._booted_group, database._applied = group_of(database).name, user_parameters(group_of(database))


def is_passing(database: Any) -> bool:
    return status_of(database) not in ("available", "stopped", "failed")


def _endpoint(database: Any) -> dict[str, Any] | None:
    if status_of(database) == "creating":
        return None
    return {"Address": database.address, "Port": database.port, "HostedZoneId": "Z2R2ITUGPM61AM"}


def _address(database: Any) -> str:
    """The account's part of the name is the same for all databases of an account and region, as on AWS."""
    mark = hashlib.sha256(f"{database.account_id}{database.region}".encode()).hexdigest()[:11]
    return f"{database.db_instance_identifier}.c{mark}.{database.region}.rds.amazonaws.com"


# -- parameters ---------------------------------------------------------------------------------------------
def group_of(database: Any) -> Any:
    """moto's parameter group of the database (the engine's default where none is given)."""
    return database.db_parameter_groups()[0]


def user_parameters(group: Any) -> dict[str, str]:
    """Values that differ from the engine's."""
    return {
        name: str(one["ParameterValue"])
        for name, one in group.parameters.items()
        if one.get("Source") != "engine-default" and one.get("ParameterValue") is not None
    }


def parameters_changed(backend: Any, group: Any, names: set[str]) -> None:
    """Dynamic parameters with ApplyMethod immediate take effect now, on the databases that booted with the group."""
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
def _modify(original: Any) -> Any:
    def modify(self: Any, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> Any:
        database = self.describe_db_instances(db_instance_identifier)[0]
        immediately = db_kwargs.pop("apply_immediately", None) in (True, "true")
        for key in DEFERRED & db_kwargs.keys():
            value = db_kwargs.pop(key)
            if value is not None and str(value) != str(getattr(database, ATTRIBUTES.get(key, key), None)):
                database._pending[ATTRIBUTES.get(key, key)] = value
        password = db_kwargs.get("master_user_password")
        is_reset = bool(password) and password != database._master_user_password
        result = original(self, db_instance_identifier, db_kwargs)
        if is_reset:  # at once, whatever ApplyImmediately says
            database._pending_password, database._reset_since = password, time.monotonic()
            begin(database, "resetting-master-credentials")
        if immediately and database._pending:
            begin(database, "modifying")
            lifecycle.current().later("database modifying", lambda: _apply_pending(database))
        return result

    return modify


def _is_resetting(database: Any) -> bool:
    """Whether a new master password is still pending: until the server has it."""
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


def _delete(original: Any) -> Any:
    def delete(
        self: Any, db_instance_identifier: str, final_db_snapshot_identifier: Any = None, *a: Any, **k: Any
    ) -> Any:
        database = original(self, db_instance_identifier, final_db_snapshot_identifier, *a, **k)
        self.databases[db_instance_identifier] = database  # it is seen as `deleting` until it is gone
        begin(database, "deleting")
        snapshot = self.database_snapshots.get((final_db_snapshot_identifier or "").lower())
        lifecycle.current().later(
            "database deleting",
            lambda: _forget(self, database),
            lambda: snapshot is None or lifecycle.current().is_real(snapshot.db_snapshot_arn),
        )
        return database

    return delete


def _forget(backend: Any, database: Any) -> None:
    from .. import managed_interfaces

    backend.databases.pop(database.db_instance_identifier, None)
    managed_interfaces.sync(database.region)


def _snapshot_status(snapshot: Any) -> str:
    clock = lifecycle.current()
    if not snapshot._settled:
        is_real = snapshot.snapshot_type != "manual" or clock.is_real(snapshot.db_snapshot_arn)
        snapshot._settled = is_real and clock.over("snapshot creating", snapshot._since)
    return "available" if snapshot._settled else "creating"


def _wrap_instance() -> None:
    original = DBInstance.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        self._activity, self._pending, self._restore_from = None, {}, None
        self._pending_password = ""
        self._final_status = "available"
        original(self, *args, **kwargs)
        group = getattr(self, "db_subnet_group", None)
        if group is not None and self.availability_zone not in {subnet.availability_zone for subnet in group._subnets}:
            self.availability_zone = group._subnets[0].availability_zone
        self.dbi_resource_id = (
            "db-" + hashlib.sha256(f"{self.db_instance_arn}{time.time()}".encode()).hexdigest()[:26].upper()
        )
        begin(self, "creating", boots=1)

    replace(DBInstance, __init__=init)
    replace(DBInstance, status=property(status_of, lambda self, value: setattr(self, "_final_status", value)))
    replace(DBInstance, endpoint=property(_endpoint))
    replace(DBInstance, address=property(_address))
    replace(DBInstance, db_parameter_group_status_list=property(_parameter_status))
    replace(DBInstance, pending_modified_values=property(_pending_values))


def _wrap_snapshot() -> None:
    original = DBSnapshot.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        self._since, self._settled = time.monotonic(), False
        original(self, *args, **kwargs)

    replace(DBSnapshot, __init__=init)
    replace(DBSnapshot, status=property(_snapshot_status, lambda self, value: None))


def _wrap_backend() -> None:
    reboot, stop, start = RDSBackend.reboot_db_instance, RDSBackend.stop_db_instance, RDSBackend.start_db_instance
    restore = RDSBackend.restore_db_instance_from_db_snapshot

    def rebooted(self: Any, db_instance_identifier: str) -> Any:
        database = reboot(self, db_instance_identifier)
        begin(database, "rebooting", boots=1)
        return database

    def stopped(self: Any, *args: Any, **kwargs: Any) -> Any:
        database = stop(self, *args, **kwargs)
        begin(database, "stopping")
        return database

    def started(self: Any, db_instance_identifier: str) -> Any:
        database = start(self, db_instance_identifier)
        begin(database, "starting", boots=1)
        return database

    def restored(self: Any, from_snapshot_id: str, overrides: dict[str, Any]) -> Any:
        name = from_snapshot_id.rsplit(":", 1)[-1].lower()
        database: Any = restore(self, from_snapshot_id, overrides)
        database._restore_from = self.database_snapshots[name].db_snapshot_arn
        return database

    replace(RDSBackend, reboot_db_instance=rebooted, stop_db_instance=stopped, start_db_instance=started)
    replace(RDSBackend, restore_db_instance_from_db_snapshot=restored)
    set_parameters = RDSBackend.modify_db_parameter_group

    def parameters_set(self: Any, db_parameter_group_name: str, db_parameter_group_parameters: Any) -> Any:
        given = list(db_parameter_group_parameters)
        group = set_parameters(self, db_parameter_group_name, given)
        parameters_changed(self, group, {one["ParameterName"] for one in given})
        return group

    replace(RDSBackend, modify_db_parameter_group=parameters_set)
    replace(RDSBackend, modify_db_instance=_modify(RDSBackend.modify_db_instance))
    replace(RDSBackend, delete_db_instance=_delete(RDSBackend.delete_db_instance))


def apply() -> None:
    _wrap_instance()
    _wrap_snapshot()
    _wrap_backend()
