"""Names of images: what the build can see makes the name, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.tandem.platform.plugins.modules.content_image import content_hash

ARGUMENTS = {"BASE": "debian:trixie-slim"}
PLATFORM = "linux/amd64"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".dockerignore").write_text("*\n!*.py\n")
    (tmp_path / "app.py").write_text("print(1)\n")
    (tmp_path / "notes.txt").write_text("none of the image\n")
    return tmp_path


def change_content(context: Path) -> None:
    (context / "app.py").write_text("print(2)\n")


def add_file(context: Path) -> None:
    (context / "more.py").touch()


def rename_file(context: Path) -> None:
    (context / "app.py").rename(context / "apps.py")


def make_executable(context: Path) -> None:
    (context / "app.py").chmod(0o755)


def change_dockerfile(context: Path) -> None:
    (context / "Dockerfile").write_text("FROM scratch\nUSER 1\n")


@pytest.mark.parametrize("change", [change_content, add_file, rename_file, make_executable, change_dockerfile])
def test_what_the_build_sees_changes_the_name(context: Path, change: object) -> None:
    before = content_hash(str(context), ARGUMENTS, PLATFORM)
    change(context)  # type: ignore[operator]
    assert content_hash(str(context), ARGUMENTS, PLATFORM) != before


def test_another_base_or_platform_changes_the_name(context: Path) -> None:
    other_base = content_hash(str(context), {"BASE": "debian:forky-slim"}, PLATFORM)
    other_platform = content_hash(str(context), ARGUMENTS, "linux/arm64")
    assert len({content_hash(str(context), ARGUMENTS, PLATFORM), other_base, other_platform}) == 3


def test_what_is_ignored_and_dates_do_not(context: Path) -> None:
    before = content_hash(str(context), ARGUMENTS, PLATFORM)
    (context / "notes.txt").write_text("other notes\n")
    (context / "app.py").touch()
    assert content_hash(str(context), ARGUMENTS, PLATFORM) == before
