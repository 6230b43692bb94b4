"""The environment that goes, on the local cloud's API."""

from __future__ import annotations

from ansible_collections.tandem.platform.plugins.module_utils.teardown.account import Environment, Resource
from ansible_collections.tandem.platform.plugins.module_utils.teardown.kinds import KINDS, find_all, find_others
from ansible_collections.tandem.platform.plugins.module_utils.teardown.removal import Pass

from localcloud.testing import Endpoint, Stack

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
