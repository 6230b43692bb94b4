"""Containers for managed services: load balancers and databases."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import docker
from docker.errors import ContainerError, NotFound
from docker.models.containers import Container

from ..machine.images import SERVICE
from ..settings import Settings

COMMAND_SECONDS = 120
STOP_SECONDS = 10
LOG_OPTIONS = {"max-size": "10m", "max-file": "2"}


class ServiceError(RuntimeError):
    """A container or a command in it failed; the message has its output."""


@cache
def client() -> docker.DockerClient:
    return docker.from_env(timeout=COMMAND_SECONDS)


class ServiceContainer:
    """A long-running container without its own network: interfaces are attached from outside."""

    def __init__(self, settings: Settings, resource: str) -> None:
        self.name = settings.container(resource)
        self._labels = {settings.label: settings.name}
        self._pid = 0
        self._process: int | None = None

    def pid(self) -> int | None:
        """The PID of the container's first process, or None if it does not run. Cheap: asks the kernel only."""
        if self._process is None:
            return None
        ended, _, _ = select.select([self._process], [], [], 0)
        return None if ended else self._pid

    def start(self, command: Sequence[str], **options: Any) -> int:
        """Replace the container by a new one. Returns its PID. options: as for docker run."""
        self.remove()
        started = client().containers.run(
            SERVICE,
            list(command),
            name=self.name,
            labels=self._labels,
            detach=True,
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            log_config={"type": "json-file", "config": LOG_OPTIONS},
            **options,
        )
        started.reload()
        self._pid = started.attrs["State"]["Pid"]
        if not self._pid:
            raise ServiceError(f"{self.name} ended at once: {self.last_output()}")
        try:
            self._process = os.pidfd_open(self._pid)
        except ProcessLookupError:
            raise ServiceError(f"{self.name} ended at once: {self.last_output()}") from None
        return self._pid

    def stop(self) -> None:
        """Stop the container gracefully and remove it."""
        if found := self._find():
            found.stop(timeout=STOP_SECONDS)
            self.remove()

    def remove(self) -> None:
        if self._process is not None:
            os.close(self._process)
            self._process = None
        if found := self._find():
            with suppress(NotFound):
                found.remove(force=True)

    def execute(self, *command: str, text: str = "") -> str:
        """Run a command inside; returns its output. text: its standard input, which may hold secrets. Raises ServiceError."""
        done = subprocess.run(
            ["docker", "exec", "-i", self.name, *command],
            input=text,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise ServiceError(f"{self.name}: {command[0]}: {(done.stderr or done.stdout).strip()[-1000:]}")
        return done.stdout

    def last_output(self) -> str:
        """The end of the container's output, in one line."""
        found = self._find()
        return " / ".join(found.logs(tail=5).decode(errors="replace").split("\n"))[-1000:].strip() if found else ""

    def run_once(self, *command: str, **options: Any) -> str:
        """Run a command in a temporary container; returns its output. Raises ServiceError."""
        try:
            output = client().containers.run(
                SERVICE, list(command), labels=self._labels, network_mode="none", remove=True, **options
            )
        except ContainerError as error:
            output = (error.stderr or b"").decode(errors="replace").strip()
            raise ServiceError(f"{self.name}: {command[0]}: {output[-1000:]}") from None
        return str(output.decode())

    def _find(self) -> Container | None:
        try:
            return client().containers.get(self.name)
        except NotFound:
            return None
