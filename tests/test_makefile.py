"""`make` for whoever is not root: what needs it says so first."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.cloud import ROOT

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@pytest.mark.parametrize("target", ["up", "down", "status", "logs"])
def test_make_without_root_says_so_before_it_installs_anything(target: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copy(ROOT / "Makefile", folder)
        done = subprocess.run([*NOBODY, "make", "-C", folder, target], capture_output=True, text=True, check=False)
        said = [line for line in done.stderr.splitlines() if "directory" not in line]
        assert len(said) == 1
        assert f"needs root. Run `sudo -s`, then again: make {target}" in said[0]
        for twin in (
            ("make", "-n", target),
            (*NOBODY, "make", "-n", target, "ENVIRONMENT=main"),
            (*NOBODY, "make", "-n", "setup"),
        ):
            dry = subprocess.run([*twin, "-C", folder], capture_output=True, text=True, check=False)
            assert "needs root" not in dry.stderr, twin
