"""Filters that compare what a role wants with what a survey found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def satisfies(found: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> bool:
    """Whether everything that is wanted is found; what is found beyond that does not matter.

    found: what a survey tells of one resource, for example {id: subnet-1, cidr: 10.0.0.0/24, zone: us-east-1a}.
    wanted: the attributes that matter, for example {cidr: 10.0.0.0/24}. Mappings and lists in it must be found
    exactly so, lists in any order.
    """
    return bool(found) and all(_same((found or {}).get(key), value) for key, value in wanted.items())


def lacking(wanted: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those of the wanted resources (each with a `name`) that are not found, or not as wanted.

    An item's `found_as` holds the attributes to compare; an item without it only has to exist.
    """
    return [item for item in wanted if not satisfies(found.get(item["name"]), item.get("found_as", {}))]


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        same_keys = isinstance(found, Mapping) and found.keys() == wanted.keys()
        return same_keys and all(_same(found[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and sorted(map(str, found)) == sorted(map(str, wanted))
    return str(found) == str(wanted)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"satisfies": satisfies, "lacking": lacking}
