"""README.md: its commands and its example run as written, and its table of actions matches the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.testing import Cloud, free_port, kept

TEXT = (Path(__file__).parents[1] / "README.md").read_text()
NAME = "tdoc"
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """The environment of a test cloud."""
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
            ["sh", "-c", own], env={**environment, "PATH": PATH}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{own}\n{done.stdout}{done.stderr}"
    assert not any([*kept(NAME).values(), *kept(f"{NAME}-second").values()])


def test_its_example_runs() -> None:
    [example] = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    subprocess.run([sys.executable, "-c", example], check=True, timeout=300)


def test_its_table_of_actions_is_the_codes() -> None:
    written = subprocess.run(Cloud.command("actions", "--markdown"), capture_output=True, text=True, check=True).stdout
    assert TEXT.split("<!-- actions -->\n")[1].split("<!-- /actions -->")[0] == written
    assert "| ec2 | AllocateAddress, " in written


def test_every_action_is_printed_by_name() -> None:
    """For a service with many actions, the table has only their number."""
    printed = subprocess.run(Cloud.command("actions", "s3"), capture_output=True, text=True, check=True).stdout
    assert f"| s3 | {len(printed.splitlines())} actions: `localcloud actions s3` | real |" in TEXT
    assert re.search(r"^s3 +PutObject +real +objects are kept", printed, re.MULTILINE)
