"""The application's password, where its parameter was lost: what the backends that run were told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.roles.release.rehearsal import value
from tests.support.cloud import ROOT

URL = "postgresql://backend:{}@db.example:5432/tandem?sslmode=verify-full"


def look(*environment: str) -> dict[str, Any]:
    """What look.yml has of a backend whose container has this environment."""
    return {"release__look": {"results": [{"exists": True, "container": {"Config": {"Env": list(environment)}}}]}}


NOTHING = {"release__look": {"results": [{"exists": False, "container": None}]}}
SECOND = look("NAME=backend-2", f"DBCONNECTIONSTRING={URL.format('secret-of-2')}")


@pytest.mark.parametrize(
    ("hosts", "told"),
    [
        ([look("NAME=x", f"DBCONNECTIONSTRING={URL.format('S3cretS3cret')}"), SECOND], "S3cretS3cret"),
        ([look(f"DBCONNECTIONSTRING={URL.format('a%40b%3Ac%2Fd1')}")], "a@b:c/d1"),
        ([NOTHING, SECOND], "secret-of-2"),
        ([{}, SECOND], "secret-of-2"),
        ([look("OTHER=1"), SECOND], "secret-of-2"),
        ([look(f"DBCONNECTIONSTRING={URL.format('$(id) or so')}")], ""),
        ([look("DBCONNECTIONSTRING=postgresql://master:S3cretS3cret@db.example/tandem")], ""),
        ([NOTHING, {}], ""),
        ([], ""),
    ],
)
def test_what_the_backends_were_told(hosts: list[dict[str, Any]], told: str) -> None:
    names = [f"backend-{number}" for number in range(1, len(hosts) + 1)]
    variables = {"hostvars": dict(zip(names, hosts, strict=True)), "groups": {"backend": names}}
    assert value("database_schema__told", ROOT / "roles/database_schema", **variables) == told
