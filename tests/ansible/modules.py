"""Ansible modules of roles, as Python modules."""

from __future__ import annotations

from types import ModuleType

from tests.support import plugins


def load(role: str, name: str) -> ModuleType:
    """roles/<role>/library/<name>.py"""
    return plugins.load(f"roles/{role}/library/{name}.py")
