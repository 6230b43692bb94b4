"""Preflight: what an account that is there already refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.module_utils.preflight.account import (
    changed_database,
    credentials_problem,
    is_counted,
)

from localcloud.testing import Endpoint

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


@pytest.mark.parametrize(
    ("wrong", "counted"),
    [
        ({}, True),
        ({"State": {"Name": "pending"}}, True),
        ({"State": {"Name": "stopped"}}, False),
        ({"State": {"Name": "shutting-down"}}, False),
        ({"InstanceType": "p5.48xlarge"}, False),
        ({"InstanceType": "g6.xlarge"}, False),
        ({"InstanceType": "mac2.metal"}, False),
        ({"InstanceType": "m7i.large"}, True),
        ({"InstanceLifecycle": "spot"}, False),
    ],
)
def test_what_the_quota_of_vcpus_counts(wrong: dict[str, Any], counted: bool) -> None:
    instance = {"State": {"Name": "running"}, "InstanceType": "t3.micro", "CpuOptions": {"CoreCount": 1}}
    assert is_counted({**instance, **wrong}) is counted


@pytest.mark.parametrize(("region", "variables"), [("af-south-1", ["region"]), ("eu-west-1", []), ("us-east-1", [])])
def test_a_region_that_is_not_enabled_is_not_taken_for_a_wrong_key(
    endpoint: Endpoint, region: str, variables: list[str]
) -> None:
    def client(service: str, elsewhere: str = region) -> Any:
        return endpoint.client(service, elsewhere)

    caller, problems = credentials_problem(client, region)
    assert [problem.variable for problem in problems] == variables
    assert bool(caller) is not bool(variables)


def test_a_wrong_key_is_not_taken_for_a_region(endpoint: Endpoint) -> None:
    def client(service: str, region: str = "af-south-1") -> Any:
        return replace(
            endpoint, environment={**endpoint.environment, "AWS_ACCESS_KEY_ID": "AKIAWRONG"}, _clients={}
        ).client(service, region)

    assert [problem.variable for problem in credentials_problem(client, "af-south-1")[1]] == ["AWS credentials"]
