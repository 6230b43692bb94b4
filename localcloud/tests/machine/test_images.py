"""The mirror of the images' packages, and when an image counts as changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.machine.images import mirror, recipes
from localcloud.machine.images.mirror import Mirror

DEB822 = """Types: deb
URIs: http://mirror.example.org/debian/
Suites: bookworm

Types: deb
URIs: https://mirror.example.org/debian-security
Suites: bookworm-security
"""


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("sources.list.d/debian.sources", DEB822),
        (
            "sources.list",
            "# deb http://old.example.org/debian trixie main\n"
            "deb [signed-by=/x.gpg] http://mirror.example.org/debian bookworm main\n"
            "deb https://mirror.example.org/debian-security bookworm-security main\n",
        ),
    ],
)
def test_the_machines_own_mirror_is_used(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / file).write_text(text)
    found = mirror.of_machine(tmp_path)
    assert found == Mirror("http://mirror.example.org/debian", "https://mirror.example.org/debian-security")
    assert found.hosts == ("mirror.example.org",)
    assert found.needs_certificates


def test_on_ubuntu_debians_own(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://archive.ubuntu.com/ubuntu noble main\n")
    assert mirror.of_machine(tmp_path) == Mirror(mirror.DEFAULT_ARCHIVE, mirror.DEFAULT_SECURITY)


def test_a_recipe_changes_its_digest_with_its_mirror_its_packages_and_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Mirror(mirror.DEFAULT_ARCHIVE, mirror.DEFAULT_SECURITY)
    monkeypatch.setattr(recipes, "HERE", tmp_path)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "customize").write_text("true\n")
    recipe = recipes.Recipe("some:tag", ("curl",), folder="files")
    digests = {
        recipe.digest(usual),
        recipe.digest(Mirror("http://mirror.example.org/debian", usual.security)),
        recipes.Recipe("some:tag", ("curl", "less"), folder="files").digest(usual),
    }
    (tmp_path / "files" / "customize").write_text("false\n")
    assert len(digests | {recipe.digest(usual)}) == 4
    (tmp_path / "files" / "customize").write_text("true\n")
    assert recipe.digest(usual) in digests
