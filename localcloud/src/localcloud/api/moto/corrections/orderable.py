"""Correction to moto's RDS: which classes and versions of PostgreSQL can be ordered."""

from __future__ import annotations

from typing import Any

from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

from .. import moto_state
from ..account import POSTGRES_VERSIONS, database_classes
from ..patching import replace


def postgres_options() -> None:
    """DescribeOrderableDBInstanceOptions lists PostgreSQL's classes and versions. For the deployment's preflight."""
    original = RDSResponse.describe_orderable_db_instance_options

    def describe(self: Any) -> Any:
        wanted_class = self.params.get("DBInstanceClass")
        answer: Any = original(self)
        options = answer.result["OrderableDBInstanceOptions"]
        answer.result["OrderableDBInstanceOptions"] = [
            option for option in options if wanted_class in (None, option["DBInstanceClass"])
        ]
        return answer

    other_engines = RDSBackend.describe_orderable_db_instance_options

    def options_of(self: Any, engine: str, engine_version: str) -> list[dict[str, Any]]:
        if engine != "postgres":
            return other_engines(self, engine, engine_version)
        return [
            option for option in _options(self.region_name) if engine_version in (None, "", option["EngineVersion"])
        ]

    replace(RDSBackend, describe_orderable_db_instance_options=options_of)
    replace(RDSResponse, describe_orderable_db_instance_options=describe)


def _options(region: str) -> list[dict[str, Any]]:
    """Every class with the newest minor of every major version."""
    return [
        {
            "Engine": "postgres",
            "EngineVersion": f"{major}.{max(minors)}",
            "DBInstanceClass": name,
            "LicenseModel": "postgresql-license",
            "Vpc": True,
            "StorageType": "gp3",
            "SupportsStorageEncryption": True,
            "MultiAZCapable": True,
        }
        for major, minors in POSTGRES_VERSIONS.items()
        for name in sorted(database_classes(moto_state.instance_types(region)))
    ]


ALL = [postgres_options]
