"""The plan that an operator confirms."""

from __future__ import annotations

from typing import Any

from tests.support.templates import render

RESOURCES = [
    {
        "kind": "instance",
        "name": "frontend-1",
        "text": "instance frontend-1 (i-1)",
        "data": "its disk",
        "managed": False,
    },
    {"kind": "VPC", "name": "tandem-a", "text": "VPC tandem-a (vpc-1)", "data": "", "managed": False},
]


def plan(resources: list[dict[str, Any]], **variables: Any) -> str:
    given: dict[str, Any] = {
        "teardown__name": "tandem-a",
        "teardown_region": "us-east-1",
        "teardown__found": {"account": "123456789012", "snapshots": []},
        "teardown__doomed": resources,
        "teardown__shown": resources,
        "teardown__makes_snapshot": False,
    }
    return render("teardown", "plan.txt.j2", **{**given, **variables})


def test_the_plan_names_what_goes_and_what_data_is_lost() -> None:
    text = plan(RESOURCES)
    assert "instance (1): frontend-1" in text
    assert "instance frontend-1 (i-1): its disk" in text
    assert "VPC tandem-a (vpc-1)" not in text, "a VPC holds no data"
    assert "final snapshot" not in text
    assert "final snapshot" in plan(RESOURCES, teardown__makes_snapshot=True)


def test_the_plan_says_when_there_is_nothing() -> None:
    assert "Nothing of tandem-a is in us-east-1 of account 123456789012." in plan([])
