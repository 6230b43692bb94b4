"""Every command of the README, in its order, as a reader would type them, in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.testing import free_port, tail
from tests.support.cloud import ROOT

# A fenced block of commands; a comment right before it may say why it is not run here.
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?^```sh\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL
)


def blocks(text: str) -> tuple[list[str], list[str]]:
    """The blocks to run, and the reasons why others are not."""
    found = list(BLOCK.finditer(text))
    return [match["commands"] for match in found if not match["reason"]], [m["reason"] for m in found if m["reason"]]


def test_blocks_are_found() -> None:
    text = "a\n```sh\nmake up\n```\n<!-- not run: needs an account -->\n```sh\nrm -rf /\n```\n```yaml\na: 1\n```\n"
    assert blocks(text) == (["make up\n"], ["needs an account"])


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A copy of the project with this virtual environment, and the environment for a local cloud of its own."""
    folder = tmp_path / "tandem"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    # What `make test ARGS=…` was given is not for the commands that run here.
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("ARGS", "MAKEFLAGS", "MAKEOVERRIDES")
    }
    environment = {**inherited, "LOCALCLOUD_NAME": "tandem-readme", "LOCALCLOUD_PORT": str(free_port())}
    try:
        yield folder, environment
    finally:
        localcloud = [str(ROOT / ".venv/bin/localcloud"), "down"]
        subprocess.run(localcloud, env=environment, capture_output=True, timeout=120, check=False)


def test_every_command_runs(copy: tuple[Path, dict[str, str]]) -> None:
    folder, environment = copy
    commands, skipped = blocks((ROOT / "README.md").read_text())
    assert commands
    print(f"{len(commands)} blocks run; not run: {skipped}")
    script = "\n".join(["set -euxo pipefail", *commands, "make down"])
    script = script.replace("localhost:8080", f"localhost:{environment['LOCALCLOUD_PORT']}")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, tail(done.stdout, 80)
