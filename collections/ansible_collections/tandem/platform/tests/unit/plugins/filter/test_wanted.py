"""What differs from what is wanted."""

from __future__ import annotations

import pytest
from ansible_collections.tandem.platform.plugins.filter import wanted


@pytest.mark.parametrize(
    ("found", "want", "answer"),
    [
        ({"cidr": "10.0.0.0/24", "id": "x"}, {"cidr": "10.0.0.0/24"}, True),
        ({"cidr": "10.0.1.0/24"}, {"cidr": "10.0.0.0/24"}, False),
        ({}, {}, False),
        (None, {"a": 1}, False),
        ({"a": "1"}, {"a": 1}, True),
        ({"l": ["b", "a"]}, {"l": ["a", "b"]}, True),
        ({"l": ["a", "b", "c"]}, {"l": ["a", "b"]}, False),
        ({"routes": {}}, {"routes": {}}, True),
        ({"routes": {"0.0.0.0/0": "internet"}}, {"routes": {}}, False),
        ({"routes": {"0.0.0.0/0": "blackhole"}}, {"routes": {"0.0.0.0/0": "nat-1"}}, False),
    ],
)
def test_what_is_found_satisfies_what_is_wanted(found: dict | None, want: dict, answer: bool) -> None:
    assert wanted.satisfies(found, want) is answer


def test_lacking_names_what_is_missing_or_differs() -> None:
    items = [
        {"name": "a", "found_as": {"x": 1}},
        {"name": "b", "found_as": {"x": 1}},
        {"name": "c", "found_as": {"x": 1}},
        {"name": "d"},
    ]
    assert [item["name"] for item in wanted.lacking(items, {"a": {"x": 1}, "b": {"x": 2}, "d": {"id": 1}})] == [
        "b",
        "c",
    ]
