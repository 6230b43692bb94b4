"""What belongs to an environment, and the vocabulary in which the kinds of resources are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..look import shown
from ..preflight.settings import require_names

Client = Any

# How the services say "it is not there" and "something still needs it"; each has names of its own for both.
GONE = re.compile(r"NotFound|NoSuch|InvalidInstanceID\.Malformed")
BUSY = re.compile(
    r"DependencyViolation|InUse|DeleteConflict|Incorrect\w*State|Invalid\w*State|ConcurrentModification"
    r"|ResourceConflict|OperationAborted|OperationInProgress"
    # Of an address that a NAT gateway has, or had a moment ago. (A wrong key would have ended the look before.)
    r"|AuthFailure"
)


@dataclass(frozen=True)
class Resource:
    """One thing in the account.

    id: what the API's delete call takes. name: what a person calls it.
    deleting: AWS is at it already, so there is nothing to do but wait.
    managed: AWS made it for another resource and removes it with that one.
    owner: its tags Project and Environment, each empty where it has none. What lies under a path, whose id is that path, has
    none.
    vpc_ids: the VPCs in which it hangs.
    protected: AWS refuses to delete it until deletion protection is turned off.
    data: what is lost with it, in words.
    """

    kind: str
    id: str
    name: str = ""
    state: str = ""
    deleting: bool = False
    managed: bool = False
    owner: tuple[str, str] = ("", "")
    vpc_ids: tuple[str, ...] = ()
    protected: bool = False
    data: str = ""
    detail: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.called} ({self.id})" if self.name not in ("", self.id) else f"{self.kind} {self.id}"

    @property
    def called(self) -> str:
        """The name, which anybody may have written, as it may stand on a terminal."""
        return shown(self.name or self.id, 100)


class Environment:
    """One environment: its two tags, the prefix of its names, its VPCs, and clients to ask about it.

    connect: from the name of a service to a boto3 client of the environment's region.
    final_snapshot: the name of the snapshot to make of the database when it is deleted; None: make none.
    """

    def __init__(
        self, project: str, name: str, connect: Callable[[str], Client], final_snapshot: str | None = None
    ) -> None:
        require_names(project, name)
        self.project = project
        self.name = name
        self.owner = (project, name)
        self.prefix = f"{project}-{name}"
        self.parameter_path = f"/{project}/{name}/"
        self.client = lru_cache(maxsize=None)(connect)
        self.final_snapshot = final_snapshot
        self.vpc_ids: list[str] = []

    def find_vpcs(self) -> None:
        vpcs = pages(self.client("ec2"), "describe_vpcs", "Vpcs", Filters=self.tag_filter)
        self.vpc_ids = sorted(vpc["VpcId"] for vpc in vpcs)

    @property
    def tag_filter(self) -> list[dict[str, Any]]:
        return [
            {"Name": "tag:Project", "Values": [self.project]},
            {"Name": "tag:Environment", "Values": [self.name]},
        ]

    def has(self, resource: Resource) -> bool:
        """Whether it bears the environment's tags, lies under its path, or hangs in its VPC, whosever it is."""
        if resource.id.startswith("/"):
            return resource.id.startswith(self.parameter_path)
        return resource.owner == self.owner or not set(self.vpc_ids).isdisjoint(resource.vpc_ids)

    def owns(self, resource: Resource) -> bool:
        """Whether it is the environment's to delete: it has it, and neither of its tags says another."""
        said = zip(resource.owner, self.owner, strict=True)
        return self.has(resource) and all(tag in ("", own) for tag, own in said)

    def in_vpc_or_tagged(self, operation: str, key: str, vpc_filter: str = "vpc-id") -> Iterator[dict[str, Any]]:
        """EC2 resources that carry the environment's tags or hang in its VPC, each once."""
        filters = [self.tag_filter]
        if self.vpc_ids:
            filters.append([{"Name": vpc_filter, "Values": self.vpc_ids}])
        seen: list[dict[str, Any]] = []
        for wanted in filters:
            for item in pages(self.client("ec2"), operation, key, **{_filter_name(operation): wanted}):
                if item not in seen:
                    seen.append(item)
                    yield item


def _filter_name(operation: str) -> str:
    # This one EC2 operation calls its parameter in the singular.
    return "Filter" if operation == "describe_nat_gateways" else "Filters"


def pages(client: Client, operation: str, key: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    """All items of a list operation, over all its pages."""
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page[key]
    else:
        yield from getattr(client, operation)(**arguments)[key]


def tags_of(pairs: Iterable[dict[str, str]] | None) -> dict[str, str]:
    """AWS's list of Key and Value as a dictionary."""
    return {pair["Key"]: pair["Value"] for pair in pairs or ()}


def owner(tags: dict[str, str]) -> tuple[str, str]:
    """The tags Project and Environment, each empty where it is missing. Composed, two environments could be the same."""
    return tags.get("Project", ""), tags.get("Environment", "")


def error_code(error: Exception) -> str:
    """AWS's code in a botocore ClientError."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__))
