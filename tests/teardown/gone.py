"""The environment that goes, on the local cloud's API."""

from __future__ import annotations

from localcloud.testing import Endpoint, Stack
from tests.support.plugins import load

load("roles/teardown/library/environment_resources.py")  # makes the role's module_utils importable

from ansible.module_utils.teardown_account import Environment, Resource  # type: ignore[import-not-found]  # noqa: E402
from ansible.module_utils.teardown_kinds import (  # type: ignore[import-not-found]  # noqa: E402
    KINDS,
    find_all,
    find_others,
)
from ansible.module_utils.teardown_pass import Pass  # type: ignore[import-not-found]  # noqa: E402

__all__ = ["KINDS", "Environment", "Pass", "Resource", "environment", "find_all", "find_others", "stack", "tear_down"]


def environment(endpoint: Endpoint, snapshot: str | None = None) -> Environment:
    return Environment("tandem", "gone", endpoint.client, snapshot)


def tear_down(endpoint: Endpoint, snapshot: str | None = None, with_snapshots: bool = True) -> Pass:
    work = Pass(environment(endpoint, snapshot), with_snapshots)
    work.run(60)
    assert work.refused == {}
    assert (work.waiting, work.held) == ({}, [])
    return work


def stack(endpoint: Endpoint, env: str = "gone", cidr: str = "10.60") -> Stack:
    return Stack(endpoint.client, "tandem", env, cidr)
