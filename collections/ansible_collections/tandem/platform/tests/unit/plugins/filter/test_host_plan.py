"""Which hosts there are."""

from __future__ import annotations

from ansible_collections.tandem.platform.plugins.filter import host_plan


def test_hosts_take_turns_over_the_zones() -> None:
    tiers = [{"tier": "backend", "count": "3", "subnets": ["private-1", "private-2"], "public": False}]
    plan = host_plan.host_plan(tiers)
    assert [(item["name"], item["subnet"]) for item in plan] == [
        ("backend-1", "private-1"),
        ("backend-2", "private-2"),
        ("backend-3", "private-1"),
    ]
    assert plan[0]["found_as"]["hop_limit"] == 1
