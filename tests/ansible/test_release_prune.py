"""Which releases a host keeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.plugins import ROOT

from .modules import load

release_prune = load("release", "release_prune")


@pytest.mark.parametrize(
    ("good", "lineage", "keep", "gone"),
    [
        ({1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6}, 5, [1]),
        ({1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6}, 9, []),
        ({1, 3, 6}, {1, 3, 6}, 2, [1, 2, 4, 5]),
        ({2, 3}, {2, 3}, 5, [1, 4, 5, 6]),
        ({1, 2, 3, 4, 6}, {1, 2, 6}, 2, [1, 5]),
        ({1, 2, 3}, {7}, 1, [4, 5, 6]),
    ],
    ids=[
        "the oldest goes",
        "all are kept",
        "failed ones go",
        "gone from the records",
        "what was gone back from counts for nothing",
        "the host has none of the lineage",
    ],
)
def test_the_last_that_worked_are_kept(
    tmp_path: Path, good: set[int], lineage: set[int], keep: int, gone: list[int]
) -> None:
    for number in range(1, 7):
        (tmp_path / str(number)).mkdir()
    (tmp_path / "not-a-release").mkdir()
    assert release_prune.old_releases(tmp_path, good, lineage, keep) == gone


def test_dockers_own_words_are_told(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    docker.chmod(0o755)
    arguments = {"folder": str(tmp_path), "good": [], "lineage": [], "repository": "tandem/backend"}
    module = ROOT / "roles/release/library/release_prune.py"
    done = subprocess.run(
        [sys.executable, module, json.dumps({"ANSIBLE_MODULE_ARGS": arguments})],
        env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Cannot connect to the Docker daemon" in json.loads(done.stdout)["msg"], done.stderr
