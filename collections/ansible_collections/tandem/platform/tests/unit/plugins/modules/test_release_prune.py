"""Which releases a host keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.tandem.platform.plugins.modules import release_prune

from .helpers import fake_docker, run


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
    fake_docker(tmp_path, "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    arguments = {"folder": str(tmp_path), "good": [], "lineage": [], "repository": "tandem/backend"}
    answer = run(release_prune, arguments, str(tmp_path))
    assert "Cannot connect to the Docker daemon" in answer["msg"]
