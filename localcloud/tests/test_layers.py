"""Allowed imports between parts, and declared dependencies of the distribution."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import localcloud

SOURCE = Path(localcloud.__file__).parent
# Allowed imports by part. The API and the data plane share only the contract.
LAYERS = {
    "settings": "",
    "aws_environment": "",
    "aws_cli": "",
    "control": "",
    "contract": "",
    "machine": "settings",
    "api": "contract settings aws_environment",
    "dataplane": "contract machine settings",
    "entry": "aws_environment settings",
    "report": "contract machine settings",
    "internet": "api machine settings",
    "clouds": "aws_cli control machine settings",
    "daemon": "api clouds contract control dataplane internet machine report settings",
    "cli": "api clouds control entry machine report settings",
    "testing": "api clouds machine settings",
    # Inside the API: rules use moto's models, not the reverse.
    "api.request": "",
    "api.errors": "api.request",
    "api.moto": "api.errors api.request",
    "api.iam": "api.moto api.errors api.request",
    "api.rules": "api.iam api.moto api.errors api.request",
}  # fmt: skip


def modules() -> dict[str, Path]:
    """Every module by its dotted name below the package."""
    named = {}
    for file in SOURCE.rglob("*.py"):
        words = file.relative_to(SOURCE).with_suffix("").parts
        named[".".join(words[:-1] if words[-1] == "__init__" else words)] = file
    return named


def imports(file: Path, text: str) -> Iterator[str]:
    """Dotted names of everything that the file imports."""
    package = ("localcloud", *file.relative_to(SOURCE).parent.parts)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            yield from (".".join((*base, *filter(None, [node.module]), alias.name)) for alias in node.names)


def crossings(name: str, file: Path, text: str) -> set[tuple[str, str]]:
    """Pairs of a part and a forbidden import."""
    found = set()
    for part, allowed in LAYERS.items():
        if not is_in(name, part):
            continue
        for target in imports(file, text):
            inner = target.removeprefix("localcloud.")
            is_checked = inner != target and (not part.startswith("api.") or inner.startswith("api."))
            if is_checked and not any(is_in(inner, layer) for layer in (part, *allowed.split())):
                found.add((part, inner))
    return found


def is_in(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def test_every_module_is_in_a_layer() -> None:
    assert [name for name in modules() if name and not any(is_in(name, part) for part in LAYERS)] == []


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_part_imports_what_lies_below_it(name: str) -> None:
    file = modules()[name]
    assert crossings(name, file, file.read_text()) == set()


@pytest.mark.parametrize(("name", "line"), [
    ("api.moto.reader", "from localcloud.dataplane.plane import DataPlane"),
    ("dataplane.plane", "from ..api import Api"),
    ("dataplane.network.dns", "import localcloud.api.server"),
    ("machine.guard", "from ..dataplane.network import vpc"),
    ("contract.topology", "from ..settings import Settings"),
    ("api.moto.reader", "from ..rules import refusals"),
])  # fmt: skip
def test_a_crossing_is_seen(name: str, line: str) -> None:
    file = modules()[name]
    assert len(crossings(name, file, f"{file.read_text()}\n{line}\n")) == 1


def test_nothing_is_imported_that_is_not_declared() -> None:
    """So it can be installed without the deployment, its tests or Ansible."""
    distributions = importlib.metadata.packages_distributions()
    requirements = importlib.metadata.requires("tandem-localcloud") or ()
    declared = {re.split(r"[\[~<>=; ]", requirement)[0] for requirement in requirements}
    used = {name.split(".")[0] for file in modules().values() for name in imports(file, file.read_text())}
    others = used - {"localcloud"} - set(sys.stdlib_module_names)
    unknown = {
        name for name in others if not {distribution.lower() for distribution in distributions.get(name, ())} & declared
    }
    assert unknown == set()
    unused = declared - {distribution.lower() for name in others for distribution in distributions[name]}
    assert unused == set()
