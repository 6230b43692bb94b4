"""What a run of many tests does once: get the machine ready, and keep Docker up from one cloud to the next."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .. import clouds
from ..machine import images, prerequisites
from ..settings import Settings

Say = Callable[[str], None]


def prepare(say: Say) -> None:
    """Install the packages, start Docker and build the images, so that no test has to. Raises RuntimeError."""
    prerequisites.prepare(Settings(name="test"), say)
    images.ensure(say)


@contextmanager
def docker_held(holder: str, say: Say) -> Iterator[None]:
    """Keep Docker up: the last cloud that goes ends the Docker daemon that was started for it, unless containers that are
    no cloud's run in it; so one runs as long as this lasts. holder: the container's name.
    """
    _docker("rm", "--force", holder)
    _docker("run", "--detach", "--name", holder, "--network", "none", images.SLIM_BASE, "sleep", "infinity")
    try:
        yield
    finally:
        _docker("rm", "--force", holder)
        clouds.down("test", say)


def _docker(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], capture_output=True, check=False)
