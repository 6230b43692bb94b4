"""Which hosts an environment has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def host_plan(tiers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The hosts of some tiers, for example {name: frontend-1, tier: frontend, subnet: public-1, public: true}.

    tiers: each with tier, count, subnets (used by turns, so that a tier survives the loss of a zone) and public.
    found_as: what a survey tells of the host when it is as planned, as far as AWS can change it in place.
    """
    return [
        {
            "name": f"{tier['tier']}-{number + 1}",
            "tier": tier["tier"],
            "subnet": tier["subnets"][number % len(tier["subnets"])],
            "public": tier["public"],
            "found_as": {
                "state": "running",
                "security_groups": [tier["tier"]],
                "http_tokens": "required",
                "hop_limit": 1,
            },
        }
        for tier in tiers
        for number in range(int(tier["count"]))
    ]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"host_plan": host_plan}
