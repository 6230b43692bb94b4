"""What an environment has in AWS, read side by side and told in names instead of identifiers.

Each function takes a `Look` and returns {short name: {attribute: value}}. A short name is the Name tag (or the
resource's own name) without the environment's prefix: tandem-main-public-1 becomes public-1. References are short
names as well, so that what is there can be compared with what a role wants before anything exists.

Anybody who may tag can write a name. One that the deployment would not have given is never told: the identifier stands
for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from .preflight.settings import require_names

Resources = dict[str, dict[str, Any]]

DEBIAN_ACCOUNT = "136693071363"
OWN_NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
LIVE_INSTANCES = ["pending", "running", "stopping", "stopped"]
# RDS's states in which a database holds no data or can give none.
LOST_DATABASES = {
    "failed",
    "incompatible-network",
    "incompatible-restore",
    "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable",
    "insufficient-capacity",
    "restore-error",
}
# In these states RDS answers queries: what it does beside them can take hours.
SERVING_DATABASES = {
    "available",
    "backing-up",
    "configuring-enhanced-monitoring",
    "configuring-iam-database-auth",
    "configuring-log-exports",
    "storage-optimization",
}


class DoubledError(ValueError):
    """Two resources where there can be one; the message names both."""


@dataclass
class Look:
    """One look at an environment.

    client: service name -> boto3 client. found: short names of what was read so far, by identifier.
    doubles: id, and public address if any, of what nothing uses beside another of the same name. A create call whose
    answer was lost, and which was sent again, makes such.
    """

    client: Callable[[str], Any]
    project: str
    env_name: str
    found: dict[str, str] = field(default_factory=dict)
    doubles: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        require_names(self.project, self.env_name)

    @property
    def prefix(self) -> str:
        return f"{self.project}-{self.env_name}"

    @property
    def filters(self) -> list[dict[str, Any]]:
        """EC2 filters for the environment's tags."""
        return [
            {"Name": "tag:Project", "Values": [self.project]},
            {"Name": "tag:Environment", "Values": [self.env_name]},
        ]

    def own(self, name: str, pairs: dict[str, str]) -> bool:
        """Whether what has this name, which begins as the environment's do, and these tags is not another environment's.

        Names of two environments can begin alike (try1, try1-2). Where they are the same (tandem-a and b, tandem and a-b),
        one of the two cannot be: a run would change what is the other's.
        """
        theirs = pairs.get("Project", self.project), pairs.get("Environment", self.env_name)
        if "-".join(theirs) == self.prefix and theirs != (self.project, self.env_name):
            said = f"Project={theirs[0]}, Environment={theirs[1]}"
            raise ValueError(
                f"{name} has the tags {said}: another environment with the same names. Choose another env_name."
            )
        return theirs == (self.project, self.env_name)

    def short(self, name: str) -> str:
        return name.removeprefix(f"{self.prefix}-")

    def known(self, name: str, identifier: str) -> str:
        """The short name; the identifier where the deployment would not have given this name."""
        short = self.short(name)
        return short if short != name and OWN_NAME.fullmatch(short) else identifier

    def named(
        self,
        items: Iterable[dict[str, Any]],
        identifier: str,
        in_use: Callable[[dict[str, Any]], bool] = lambda _resource: True,
        name_of: Callable[[dict[str, Any]], str] | None = None,
    ) -> list[tuple[str, dict[str, Any]]]:
        """(short name, item) of each; remembers the names, and refuses two items in use with one name."""
        pairs: dict[str, dict[str, Any]] = {}
        for item in sorted(items, key=lambda item: (not in_use(item), item[identifier])):
            name = name_of(item) if name_of else self.known(tags(item).get("Name", ""), item[identifier])
            if name in pairs and not in_use(item):
                self.doubles.append({"id": item[identifier], "address": item.get("PublicIp", "")})
                continue
            if name in pairs:
                raise DoubledError(f"two resources are named {name}: {pairs[name][identifier]} and {item[identifier]}")
            pairs[name] = item
            self.found[item[identifier]] = name
        return sorted(pairs.items())

    def name(self, identifier: str | None) -> str:
        """Short name of what has this identifier; the identifier itself where it is not the environment's."""
        return self.found.get(identifier or "", identifier or "")

    def names(self, identifiers: Iterable[str]) -> list[str]:
        return sorted(self.name(identifier) for identifier in identifiers)

    def pages(self, service: str, operation: str, key: str, **arguments: Any) -> list[dict[str, Any]]:
        """All items under `key` of a paginated operation; none where the resource does not exist."""
        client = self.client(service)
        try:
            return [item for page in client.get_paginator(operation).paginate(**arguments) for item in page[key]]
        except client.exceptions.ClientError as error:
            if is_missing(error):
                return []
            raise


def is_missing(error: Any) -> bool:
    """Whether a ClientError says that something does not exist (each service has names of its own for that)."""
    code = error.response["Error"]["Code"]
    return code.endswith((".NotFound", "NotFound", "NotFoundFault", "NoSuchEntity"))


def shown(text: str, most: int = 60) -> str:
    """A stranger's text as it may stand on a terminal: printable ASCII on one line, and not long."""
    return ascii(text if len(text) <= most else f"{text[:most]}...")[1:-1]


def tags(item: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags") or item.get("TagList") or []}


def side_by_side(*calls: Callable[[], Any]) -> list[Any]:
    """The calls' results in their order; they wait for the network together."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return [job.result() for job in [pool.submit(call) for call in calls]]
