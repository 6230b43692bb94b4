"""docs/localcloud.md: its commands run as they are written, and its table of actions is the code's."""

from __future__ import annotations

import re
import runpy
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.testing import Cloud, free_port, kept

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/localcloud.md").read_text()
NAME = "tdoc"


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """Of a cloud that is not the developer's own."""
    clouds = [Cloud(NAME), Cloud(f"{NAME}-second")]
    try:
        yield clouds[0].environment
    finally:
        for cloud in clouds:
            cloud.localcloud("down")


@pytest.mark.cloud
def test_its_commands_run_as_written(environment: dict[str, str]) -> None:
    commands = "".join(re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)).splitlines()
    assert len(commands) >= 7
    for command in commands:
        own = command.replace("=second", f"={NAME}-second").replace("8081", str(free_port()))
        done = subprocess.run(
            ["sh", "-c", own], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{own}\n{done.stdout}{done.stderr}"
    assert not any([*kept(NAME).values(), *kept(f"{NAME}-second").values()])


def test_its_table_of_actions_is_the_codes() -> None:
    """tests/provision runs `bin/generate-docs --check` over all documents; here, that it would see this one go stale."""
    written = runpy.run_path(str(ROOT / "bin/generate-docs"))["localcloud"]
    assert written(TEXT) == TEXT
    row = next(line for line in TEXT.splitlines() if line.startswith("| ec2 | AllocateAddress"))
    assert written(TEXT.replace(f"{row}\n", "")) == TEXT
