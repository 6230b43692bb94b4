"""Real containers for tests that need a Docker daemon, but no local cloud."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

# `make test` starts one before anything that needs it; the step alone, or pytest by hand, may find none.
ANSWERS = (
    subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0
    if shutil.which("docker")
    else False
)
needs_docker = pytest.mark.skipif(not ANSWERS, reason="no Docker daemon answers")


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def import_image(archive: Path, command: list[str], *programs: str) -> str:
    """ID of an image with nothing but programs of this machine and their libraries. archive: where it is written first."""
    paths = [str(shutil.which(program)) for program in programs]
    listed = subprocess.run(["ldd", *paths], capture_output=True, text=True, check=True).stdout
    libraries = re.findall(r"^\s.*?(/\S+) \(", listed, re.MULTILINE)
    with tarfile.open(archive, "w", dereference=True) as tar:
        for file in {*paths, *libraries}:
            tar.add(file)
    words = ", ".join(f'"{word}"' for word in command)
    return docker("import", "--change", f"CMD [{words}]", str(archive))
