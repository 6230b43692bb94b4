"""One stretch of the teardown: delete what nothing needs any more, look again, until all is gone or time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from .account import BUSY, GONE, Environment, Resource, error_code
from .kinds import KINDS, SNAPSHOT, find_all

# Seconds between two looks: short at first, for what goes at once; AWS's own waits are minutes long.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0


class Pass:
    """Deletes resources and remembers what it did.

    deleted: every resource that was told to go. waiting: what takes AWS some time, with its state.
    held: the rest of what is still there: what has users that must go first, and what was told to go just now.
    refused: errors other than "still in use", and what is not the environment's, by resource; all others are told to go
    nevertheless.
    """

    def __init__(self, environment: Environment, with_snapshots: bool) -> None:
        self.environment = environment
        self.with_snapshots = with_snapshots
        self._deleted: dict[tuple[str, str], Resource] = {}
        self.waiting: dict[Resource, str] = {}
        self.held: list[Resource] = []
        self.refused: dict[Resource, Exception] = {}

    @property
    def deleted(self) -> list[Resource]:
        return list(self._deleted.values())

    def run(self, seconds: float) -> None:
        """Work for at most so long, a little more while there is still something that can be told to go."""
        end = time.monotonic() + seconds
        pause = FIRST_PAUSE
        while True:
            count = len(self._deleted)
            self._delete(find_all(self.environment))
            if not (self.waiting or self.held) or self.refused or time.monotonic() > end:
                return
            pause = FIRST_PAUSE if len(self._deleted) > count else min(pause * 1.5, LONGEST_PAUSE)
            time.sleep(pause)

    def _delete(self, found: Iterable[Resource]) -> None:
        """Tell each resource to go whose users have gone."""
        mine = [resource for resource in found if self.with_snapshots or resource.kind != SNAPSHOT]
        self.waiting, self.held = {}, []
        for kind in KINDS:
            has_users = any(other.kind in kind.after for other in mine)
            for resource in (resource for resource in mine if resource.kind == kind.name):
                if resource.deleting:
                    self.waiting[resource] = resource.state
                elif resource.managed:
                    self.waiting[resource] = "goes with the resource that it was made for"
                elif has_users:
                    self.held.append(resource)
                else:
                    self._delete_one(resource, kind.delete)

    def _delete_one(self, resource: Resource, delete: Callable[[Environment, Resource], None]) -> None:
        if not self.environment.owns(resource):  # whatever was searched for, and found
            self.refused[resource] = PermissionError(f"it is not {self.environment.prefix}'s own")
            return
        try:
            delete(self.environment, resource)
        except Exception as error:
            code = error_code(error)
            if BUSY.search(code):
                self.waiting[resource] = f"{code}: {_message(error)}"
                return
            if not GONE.search(code):
                self.refused[resource] = error
                return
        self.held.append(resource)
        self._deleted[resource.kind, resource.id] = resource


def _message(error: Exception) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Message", error))
