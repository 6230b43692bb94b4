"""What is wrong with the variables of a run, before anything is looked at. Runs in Ansible itself, not as a module."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import (
    RULES,
    Problem,
    settings_problems,
)

# Follow from others, in roles' defaults too: set apart from them, a run would act on parts of two environments.
DERIVED = re.compile(
    r'^(\w+): "/?\{\{ (?:project|env_name|region|name_prefix|parameter_path|common_tags) \}\}', re.MULTILINE
)
NAMES = re.compile(r"^(\w+):", re.MULTILINE)


def problems(
    variables: Mapping[str, Any], template: Callable[[Any], Any], given: Mapping[str, Any], root: Path
) -> list[Problem]:
    """All problems of a run's variables.

    variables: of localhost, not templated. template: templates one. given: what came with -e. root: the project's folder.
    """
    options = role_options(root)
    found, values = [], {}
    for name in {**dict.fromkeys(needed(root)), **RULES, **options}:
        if name not in variables:
            continue
        try:
            values[name] = template(variables[name])
        except Exception as error:
            wrong = f"it cannot be read: {str(error).splitlines()[0]}"
            found.append(Problem(name, variables[name], wrong, "a value, or a template that has one", f"-e {name}=…"))
    missing = [name for name in needed(root) if name not in variables]
    if missing or "environment" not in variables.get("group_names", ()):
        wrong = f"it says nothing of {', '.join(missing)}" if missing else "it is no inventory of an environment"
        folder = "a folder of inventory/, see docs/new-environment.md"
        sources = ", ".join(map(str, variables.get("ansible_inventory_sources") or ["none"]))
        found.append(Problem("inventory", sources, wrong, folder, "-i inventory/local, or -i inventory/main"))
    found += unknown(given, options, root)
    found += settings_problems(values)
    for name, option in options.items():
        if name in values and name not in RULES:
            for message in ArgumentSpecValidator({name: option}).validate({name: values[name]}).error_messages:
                found.append(Problem(name, values[name], "not allowed", message, "see the README of its role"))
    # What is composed of a wrong name is wrong for the same reason.
    if {problem.variable for problem in found} & {"project", "env_name"}:
        found = [problem for problem in found if problem.variable != "state_dir"]
    return found


def needed(root: Path) -> list[str]:
    """The variables that every environment has: those of group_vars/all/main.yml, which are documented there."""
    return [*NAMES.findall((root / "group_vars/all/main.yml").read_text()), "access_matrix"]


def role_options(root: Path) -> dict[str, dict[str, Any]]:
    """The options of all roles' argument specifications that say what a value may be."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    specs = (yaml.load(file.read_text(), loader) for file in root.glob("roles/*/meta/argument_specs.yml"))  # noqa: S506
    found = [
        options for spec in specs for entry in spec["argument_specs"].values() if (options := entry.get("options"))
    ]
    said = ("type", "elements", "choices", "options")
    return {
        name: {key: option[key] for key in said if key in option}
        for options in found
        for name, option in options.items()
    }


def unknown(given: Mapping[str, Any], options: Mapping[str, Any], root: Path) -> Iterator[Problem]:
    """Of what came with -e: names that nothing reads, and names that follow from others."""
    derived = {name for file in [*root.glob("group_vars/all/*.yml"), *root.glob("roles/*/defaults/main.yml")]
               for name in DERIVED.findall(file.read_text())}  # fmt: skip
    derived |= {"common_tags", "aws_environment"}
    files = [*root.glob("group_vars/all/*.yml"), *root.glob("inventory/*/group_vars/**/*.yml")]
    known = {name for file in files for name in NAMES.findall(file.read_text())} | {"confirm", *options}
    for name, value in given.items():
        if name in derived:
            allowed = "project, env_name and region say which environment"
            yield Problem(name, value, "it follows from them", allowed, "-e env_name=staging")
        elif name not in known and not name.startswith("ansible_"):
            close = difflib.get_close_matches(name, known, 1)
            fix = f"-e {close[0]}={value}" if close else "see group_vars/all/main.yml"
            yield Problem(
                name, value, "there is no such variable", "variables of group_vars/all, and options of roles", fix
            )
