"""The project's Ansible plugins as plain Python modules, found as ansible.cfg and the roles let Ansible find them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import ansible.module_utils

ROOT = Path(__file__).resolve().parents[2]
MODULE_UTILS = [ROOT / "plugins/module_utils", *sorted(ROOT.glob("roles/*/module_utils"))]


def load(path: str) -> ModuleType:
    """The plugin in this file (relative to the project), with its module_utils importable."""
    for folder in map(str, MODULE_UTILS):
        if folder not in ansible.module_utils.__path__:
            ansible.module_utils.__path__.append(folder)
    file = ROOT / path
    specification = importlib.util.spec_from_file_location(f"plugin_{file.stem}", file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
