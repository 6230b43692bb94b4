"""Corrections to moto's RDS."""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.rds import models
from moto.rds.exceptions import DBParameterGroupNotFoundError
from moto.rds.models import DBInstance, DBParameterGroup, RDSBackend
from moto.rds.responses import RDSResponse

from ..account import DEFAULT_POSTGRES_VERSION, POSTGRES_VERSIONS, postgres_versions
from ..environment import DATA
from ..patching import replace

GP3_IOPS = 3000
GP3_THROUGHPUT = 125
POSTGRES_PARAMETERS: list[dict[str, Any]] = json.loads((DATA / "postgres-parameters.json").read_text())


def unknown_parameter_group() -> None:
    """DescribeDBParameterGroups fails for an unknown name. For rds_instance_param_group."""
    original = RDSResponse.describe_db_parameter_groups

    def describe(self: Any) -> Any:
        name = self.params.get("DBParameterGroupName")
        if name and name.lower() not in self.backend.db_parameter_groups:
            raise DBParameterGroupNotFoundError(name)
        return original(self)

    replace(RDSResponse, describe_db_parameter_groups=describe)


def engine_parameters() -> None:
    """DescribeDBParameters lists all parameters of the engine with their types. For rds_instance_param_group."""
    original = DBParameterGroup.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if (self.family or "").startswith("postgres"):
            for parameter in POSTGRES_PARAMETERS:
                self.parameters[parameter["ParameterName"]] = {**parameter, "Source": "engine-default"}

    update = DBParameterGroup.update_parameters

    def update_parameters(self: Any, new_parameters: Any) -> None:
        given = list(new_parameters)
        update(self, given)
        for parameter in given:
            self.parameters[parameter["ParameterName"]]["Source"] = "user"

    replace(DBParameterGroup, __init__=init, update_parameters=update_parameters)


def parameters_by_source() -> None:
    """DescribeDBParameters filters by Source (user, engine-default). For reading what was set."""
    original = RDSResponse.describe_db_parameters

    def describe(self: Any) -> Any:
        answer: Any = original(self)
        if source := self.params.get("Source"):
            parameters = answer.result["Parameters"]
            answer.result["Parameters"] = [parameter for parameter in parameters if parameter.get("Source") == source]
        return answer

    replace(RDSResponse, describe_db_parameters=describe)


def engine_versions() -> None:
    """Adds DescribeDBEngineVersions, which moto lacks. For rds_engine_versions_info and the deployment's preflight."""

    def describe(self: Any) -> ActionResult:
        params = self.params
        wanted = params.get("EngineVersion")
        versions = [version for version in postgres_versions() if wanted in (None, version, version.split(".")[0])]
        if params.get("DefaultOnly"):
            versions = [version for version in versions if version == DEFAULT_POSTGRES_VERSION]
        if params.get("Engine") not in (None, "postgres"):
            versions = []
        described = [_engine_version(version) for version in versions]
        family = params.get("DBParameterGroupFamily")
        return ActionResult(
            {"DBEngineVersions": [entry for entry in described if family in (None, entry["DBParameterGroupFamily"])]}
        )

    replace(RDSResponse, describe_db_engine_versions=describe)


def _engine_version(version: str) -> dict[str, Any]:
    major = version.split(".")[0]
    return {
        "Engine": "postgres",
        "EngineVersion": version,
        "MajorEngineVersion": major,
        "DBParameterGroupFamily": f"postgres{major}",
        "DBEngineDescription": "PostgreSQL",
        "DBEngineVersionDescription": f"PostgreSQL {version}-R1",
        "Status": "available",
        "SupportsReadReplica": True,
        "SupportedFeatureNames": [],
        "ValidUpgradeTarget": [
            {"Engine": "postgres", "EngineVersion": target, "IsMajorVersionUpgrade": not target.startswith(f"{major}.")}
            for target in postgres_versions()
            if _numbers(target) > _numbers(version)
        ],
    }


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def defaults_of_a_database() -> None:
    """The default version is RDS's, and a major version means its newest minor. For rds_instance (otherwise 9.3.3)."""
    original = DBInstance.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("engine") == "postgres":
            version = kwargs.get("engine_version") or DEFAULT_POSTGRES_VERSION
            if "." not in version and version in POSTGRES_VERSIONS:
                version = f"{version}.{max(POSTGRES_VERSIONS[version])}"
            kwargs["engine_version"] = version
            kwargs["license_model"] = "postgresql-license"
        original(self, *args, **kwargs)

    replace(DBInstance, __init__=init)


def gp3_performance() -> None:
    """gp3 storage always has Iops and StorageThroughput. For rds_instance (otherwise KeyError on the second run)."""

    def get(self: Any) -> Any:
        return self._storage_throughput

    def put(self: Any, value: int | None) -> None:
        self._storage_throughput = (value or GP3_THROUGHPUT) if self.storage_type == "gp3" else (value or 0)

    original = DBInstance.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if self.storage_type == "gp3" and not self.iops:
            self.iops = GP3_IOPS

    replace(DBInstance, storage_throughput=property(get, put))
    replace(DBInstance, __init__=init)


def subnets_of_a_group() -> None:
    """ModifyDBSubnetGroup changes the group's subnets. For rds_subnet_group (otherwise the group is lost)."""

    def modify(self: Any, subnet_name: str, description: str | None, subnets: list[Any]) -> Any:
        group = self.subnet_groups[subnet_name.lower()]
        group._subnets = subnets
        group.description = group.description if description is None else description
        return group

    replace(RDSBackend, modify_db_subnet_group=modify)


def windows_over_midnight() -> None:
    """Maintenance windows may cross midnight and touch the backup window, which moto rejects. The refusals check them."""
    replace(models, valid_preferred_maintenance_window=lambda *_: None)


def deletion_protection_after_restore() -> None:
    """A restored database has deletion protection only if the request says so. For rds_instance."""
    original = RDSBackend.restore_db_instance_from_db_snapshot

    def restore(self: Any, from_snapshot_id: str, overrides: dict[str, Any]) -> Any:
        database: Any = original(self, from_snapshot_id, overrides)
        database.deletion_protection = bool(overrides.get("deletion_protection"))
        return database

    replace(RDSBackend, restore_db_instance_from_db_snapshot=restore)


ALL = (
    deletion_protection_after_restore,
    subnets_of_a_group,
    windows_over_midnight,
    unknown_parameter_group,
    engine_parameters,
    parameters_by_source,
    engine_versions,
    defaults_of_a_database,
    gp3_performance,
)
