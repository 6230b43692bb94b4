"""Preflight: what an account that is there already refuses."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.module_utils.preflight.account import changed_database

DATABASE = {"DBName": "tandem", "MasterUsername": "tandem_master", "EngineVersion": "17.6", "AllocatedStorage": 100}
WANTED = {"db_name": "tandem", "db_master_username": "tandem_master", "db_engine_version": "17", "db_storage": 100}


@pytest.mark.parametrize(
    ("variable", "value", "fix"),
    [
        ("db_storage", 100, None),
        ("db_storage", 110, None),
        ("db_storage", 399, None),
        ("db_storage", 99, "-e db_storage=100"),
        ("db_storage", 109, "-e db_storage=100"),
        ("db_storage", 400, "-e db_storage=100"),
        ("db_engine_version", "18", "-e db_engine_version=17"),
        ("db_name", "other", "-e db_name=tandem"),
        ("db_master_username", "other", "-e db_master_username=tandem_master"),
    ],
)
def test_what_a_database_cannot_become(variable: str, value: Any, fix: str | None) -> None:
    found = list(changed_database(DATABASE, {**WANTED, variable: value}))
    assert [(problem.variable, problem.fix) for problem in found] == ([(variable, fix)] if fix else [])
