"""Ansible modules of roles, as Python modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.support import plugins


def load(role: str, name: str) -> ModuleType:
    """roles/<role>/library/<name>.py"""
    return plugins.load(f"roles/{role}/library/{name}.py")


def run(role: str, name: str, arguments: dict[str, Any], path: str) -> dict[str, Any]:
    """What the module answers when Ansible runs it with these arguments. path: where it finds programs."""
    done = subprocess.run(
        [sys.executable, plugins.ROOT / f"roles/{role}/library/{name}.py", json.dumps({"ANSIBLE_MODULE_ARGS": arguments})],
        env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def fake_docker(folder: Path, script: str) -> None:
    """A `docker` in the folder, which is this shell script."""
    (folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "docker").chmod(0o755)
