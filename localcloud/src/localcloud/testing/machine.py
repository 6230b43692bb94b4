"""Setup for a test run: prepares the machine, and keeps Docker up between clouds."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .. import clouds
from ..machine import images, prerequisites
from ..settings import Settings

Say = Callable[[str], None]


def prepare(say: Say) -> None:
    """Install packages, start Docker and build the images. Raises RuntimeError."""
    prerequisites.prepare(Settings(name="test"), say)
    images.ensure(say)


@contextmanager
def docker_held(holder: str, say: Say) -> Iterator[None]:
    """Keep Docker up by running a container named holder: the last cloud stops a Docker daemon that a cloud started,
    unless other containers run in it.
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
