"""Every option of every role is declared in full, and a malformed value is refused with a message that names it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if (path / "tasks/main.yml").exists())

# Values that cannot be read as the type. Ansible reads anything at all as a string; what strings mean is for
# playbooks/preflight.yml to judge.
MALFORMED: dict[str, Any] = {"int": "two", "float": "two", "bool": "perhaps", "dict": "a b", "list": {"a": 1}}
WELL_FORMED: dict[str, Any] = {
    "int": 1, "float": 1.5, "bool": True, "dict": {}, "list": [], "path": "/tmp", "str": "a", "raw": "a",
}  # fmt: skip


def specs(role: Path) -> dict[str, Any]:
    file = role / "meta/argument_specs.yml"
    return yaml.safe_load(file.read_text())["argument_specs"] if file.exists() else {}


def options(role: Path) -> dict[str, dict[str, Any]]:
    """The options of all entry points of a role."""
    found: dict[str, dict[str, Any]] = {}
    for entry in specs(role).values():
        found |= entry.get("options") or {}
    return found


def every_option() -> list[Any]:
    return [
        pytest.param(name, option, id=f"{role.name}: {name}")
        for role in ROLES
        for name, option in options(role).items()
    ]


def errors(name: str, option: dict[str, Any], values: dict[str, Any]) -> str:
    """What Ansible says of these values, with this one option declared."""
    return " ".join(ArgumentSpecValidator({name: option}).validate(values).error_messages)


def a_value_for(option: dict[str, Any]) -> Any:
    return option["choices"][0] if "choices" in option else WELL_FORMED[option.get("type", "str")]


@pytest.mark.parametrize(("name", "option"), every_option())
def test_an_option_is_declared_in_full(name: str, option: dict[str, Any]) -> None:
    assert option.get("type") in WELL_FORMED, f"{name}: type {option.get('type')}"
    assert option.get("description"), f"{name}: no description"
    if option["type"] == "list":
        assert option.get("elements"), f"{name}: a list without elements"
    assert not (option.get("required") and "default" in option), f"{name}: required, with a default"


@pytest.mark.parametrize(("name", "option"), every_option())
def test_a_malformed_value_is_refused_by_name(name: str, option: dict[str, Any]) -> None:
    option = {key: value for key, value in option.items() if key not in ("description", "options", "default")}
    kind = option.get("type", "str")
    if kind in MALFORMED:
        said = errors(name, option, {name: MALFORMED[kind]})
        assert name in said, f"{name}={MALFORMED[kind]!r} was accepted: {said}"
    if "choices" in option:
        said = errors(name, option, {name: "no such choice"})
        assert name in said
        assert str(option["choices"][0]) in said
    if option.get("required"):
        assert name in errors(name, option, {})
    assert errors(name, option, {name: a_value_for(option)}) == "", f"{name}: even a good value is refused"


def truths(role: Path) -> list[str]:
    """Uses of the role's boolean options as they are, for their truth: what -e gives is text, and `false` is true."""
    names = [name for name, option in options(role).items() if option["type"] == "bool"]
    plain = re.compile(rf"(?<![\w.'])(?:{'|'.join(names) or '(?!)'})\b(?! \| bool)(?!=|'|:)")
    files = (file for part in ("tasks", "handlers", "vars", "templates") for file in (role / part).glob("*"))
    return [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in files
        for line in file.read_text().splitlines()
        # Alone as a module's option or a variable: the module reads the text.
        if plain.search(line) and not re.fullmatch(r"\s*\w+: \"{{ \w+ }}\"", line)
    ]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_boolean_may_be_given_as_text(role: Path) -> None:
    assert truths(role) == []


@pytest.mark.parametrize(
    ("option", "value"),
    [({"type": "int"}, "two"), ({"type": "str", "choices": ["a"]}, "b"), ({"type": "dict"}, [1])],
)
def test_the_validator_itself_notices(option: dict[str, Any], value: Any) -> None:
    assert "x" in errors("x", option, {"x": value})
    assert errors("x", {"type": "raw"}, {"x": value}) == ""
