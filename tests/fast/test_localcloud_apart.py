"""The deployment knows the local cloud by its command alone, and its tests by `localcloud.testing` as well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ELSEWHERE = {"localcloud", "reports", "docs"}
IMPORT = re.compile(
    r"^\s*(?:from|import) +localcloud\b(?!\.testing\b| import testing\b).*|-m[\"', ]+localcloud\.\w+", re.MULTILINE
)
TESTS = re.compile(r"^\s*(?:from|import) +localcloud\b.*", re.MULTILINE)


def reaches(text: str, is_test: bool) -> list[str]:
    """What the text takes of the local cloud and may not."""
    return (IMPORT if is_test else re.compile(f"{IMPORT.pattern}|{TESTS.pattern}", re.MULTILINE)).findall(text)


def test_nothing_reaches_into_the_local_cloud() -> None:
    found = {}
    for folder in ROOT.iterdir():
        if folder.name.startswith(".") or folder.name in ELSEWHERE:
            continue
        for file in [folder] if folder.is_file() else folder.rglob("*"):
            if file.is_file() and file != Path(__file__) and "__pycache__" not in file.parts:
                text = file.read_text(errors="ignore")
                if reached := reaches(text, is_test=folder.name in ("tests", "molecule")):
                    found[str(file.relative_to(ROOT))] = reached
    assert found == {}


@pytest.mark.parametrize(("text", "is_test", "seen"), [
    ("from localcloud.testing import api", True, False),
    ("from localcloud import testing", True, False),
    ("from localcloud.testing import api", False, True),
    ("    from localcloud.machine import images", True, True),
    ("import localcloud.api", True, True),
    ("from localcloud import clouds", True, True),
    ('[sys.executable, "-m", "localcloud.cli", "up"]', True, True),
    ("python -m localcloud.api --port 0", False, True),
    ("localcloud exec -- python -m tests.mutants", False, False),
])  # fmt: skip
def test_a_reach_is_seen(text: str, is_test: bool, seen: bool) -> None:
    assert bool(reaches(text, is_test)) is seen
