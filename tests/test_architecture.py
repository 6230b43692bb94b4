"""Who may import whom, as ARCHITECTURE.md says.

The deployment knows the local cloud by its command alone, and its tests by `localcloud.testing` as well.
"""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
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
                if reached := reaches(text, is_test=not {"tests", "molecule"}.isdisjoint(file.parts)):
                    found[str(file.relative_to(ROOT))] = reached
    assert found == {}


def imported(file: Path) -> set[str]:
    """First words of what a Python file imports; those of relative imports are none."""
    tree = ast.walk(ast.parse(file.read_text()))
    return {
        name.split(".")[0]
        for node in tree
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        )
    }  # fmt: skip


def test_roles_and_playbooks_are_yaml() -> None:
    files = subprocess.run(
        ["git", "ls-files", "roles", "playbooks"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [name for name in files.stdout.split() if name.endswith((".py", ".sh"))] == []


@pytest.mark.parametrize(
    ("folder", "others"),
    [
        (
            "collections/ansible_collections/tandem/platform/plugins",
            {"tests", "localcloud", "backend", "frontend"},
        ),
        ("apps/backend", {"tests", "localcloud", "ansible", "frontend"}),
        ("apps/frontend", {"tests", "localcloud", "ansible", "backend"}),
        ("apps/common", {"tests", "localcloud", "ansible", "backend", "frontend"}),
        ("localcloud/src", {"tests", "ansible", "ansible_collections", "apps"}),
    ],
)
def test_a_part_imports_nothing_of_the_others(folder: str, others: set[str]) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    assert {str(file): found for file in files if (found := imported(file) & others)} == {}


def test_an_import_of_another_part_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import tests.support\ndef f():\n    from frontend.app import create\n")
    assert imported(tmp_path / "a.py") == {"tests", "frontend"}


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
