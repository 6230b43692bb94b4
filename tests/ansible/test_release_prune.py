"""Which releases a host keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from .modules import load

old_releases = load("release", "release_prune").old_releases


@pytest.mark.parametrize(
    ("good", "keep", "gone"),
    [
        ({1, 2, 3, 4, 5, 6}, 5, [1]),
        ({1, 2, 3, 4, 5, 6}, 9, []),
        ({1, 3, 6}, 2, [1, 2, 4, 5]),
        ({2, 3}, 5, [1, 4, 5, 6]),
    ],
    ids=["the oldest goes", "all are kept", "failed ones go", "gone from the records"],
)
def test_the_last_that_worked_are_kept(tmp_path: Path, good: set[int], keep: int, gone: list[int]) -> None:
    for number in range(1, 7):
        (tmp_path / str(number)).mkdir()
    (tmp_path / "not-a-release").mkdir()
    assert old_releases(tmp_path, good, keep) == gone
