"""The API alone, without a data plane, for tests of AWS clients."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"


@dataclass(frozen=True)
class Endpoint:
    """A running API. environment: the variables that an AWS client needs to use it."""

    environment: dict[str, str]
    journal_file: Path
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    def client(self, service: str, region: str = REGION) -> Any:
        """A client, cached per service and region because creating it is slow."""
        if (service, region) not in self._clients:
            self._clients[service, region] = self._connect(service, region)
        return self._clients[service, region]

    def _connect(self, service: str, region: str) -> Any:
        connect: Any = boto3.client  # its stubs require literal service names
        return connect(
            service,
            region_name=region,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 10, "mode": "standard"}),
        )

    def journal(self, *, mutating: bool | None = None) -> list[dict[str, Any]]:
        """The calls so far, optionally only mutating (True) or only reading (False) ones."""
        calls = [json.loads(line) for line in self.journal_file.read_text().splitlines()]
        return [call for call in calls if mutating is None or call["mutating"] is mutating]


@contextmanager
def api(*options: str) -> Iterator[Endpoint]:
    """Start the API on a free port; stop it afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud.cli", "api", "--port", "0", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        printed = ""
        for line in process.stdout or ():
            printed += line
            if line.startswith("# journal: "):
                yield parsed(printed)
                return
        raise RuntimeError(f"the API did not start: localcloud api exited with status {process.wait()}")
    finally:
        process.terminate()
        process.wait(timeout=20)


def parsed(printed: str) -> Endpoint:
    """Parse the output of `localcloud api`."""
    journal = re.search(r"^# journal: (.+)$", printed, re.MULTILINE)
    if journal is None:
        raise RuntimeError(f"no journal in: {printed}")
    return Endpoint(dict(re.findall(r"(AWS_\w+)=(\S+)", printed)), Path(journal[1]))


def without_aws() -> dict[str, str]:
    """This process's environment without AWS variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
