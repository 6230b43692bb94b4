"""The applications' images and containers, for tests and the benchmark."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.tandem.platform.plugins.module_utils import docker_client

from tests.apps.processes import APPS

# The first is Debian's own; the second is the same, built from Debian's packages by the local cloud.
BASES = ("debian:trixie-slim", "localcloud/debian:trixie-slim")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def docker(*arguments: str, check: bool = True, client: str = "docker", **environ: str) -> str:
    """Standard output of a docker command, without blanks around it."""
    done = subprocess.run(
        [client, *arguments], capture_output=True, text=True, timeout=600, env={**os.environ, **environ}, check=False
    )
    if check and done.returncode:
        raise AssertionError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def inspect(what: str) -> dict[str, Any]:
    return json.loads(docker("inspect", what))[0]


def client_with_buildkit() -> str:
    """The docker client that builds the deployment's images."""
    found = docker_client.clients()
    client = next(filter(docker_client.has_buildkit, found), None)
    assert client, f"no Docker client with BuildKit among {found}; {docker_client.how_to_install()}"
    return str(client)


def base() -> str:
    """The base image that is there. Raises AssertionError when none is."""
    for image in BASES:
        if docker("image", "inspect", "--format", "{{.Id}}", image, check=False):
            return image
    raise AssertionError(f"none of the base images {', '.join(BASES)} is there: `localcloud up` builds the second")


def build(which: str, tag: str) -> str:
    """Build one application's image as the deployment does; returns its tag."""
    docker(
        "build", "--quiet", "--network", "host", "--build-arg", f"BASE={base()}",
        "--build-arg", f"APP={which}", "--secret", f"id=ca,src={CERTIFICATES}", "--tag", tag, str(APPS),
        client=client_with_buildkit(), DOCKER_BUILDKIT="1",
    )  # fmt: skip
    return tag


def run(
    image: str,
    name: str,
    variables: Mapping[str, str],
    *options: str,
    command: tuple[str, ...] = (),
    network: str = "host",
) -> str:
    """Start a container as the deployment does: read-only, without capabilities, on the machine's network."""
    environ = [item for key, value in variables.items() for item in ("--env", f"{key}={value}")]
    return docker(
        "run", "--detach", "--name", name, "--network", network, "--read-only", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", *environ, *options, image, *command,
    )  # fmt: skip


def remove(*names: str) -> None:
    for name in names:
        docker("rm", "--force", "--volumes", name, check=False)
