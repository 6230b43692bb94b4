"""Locks between processes of the machine, which leave no file behind."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path("/run")


@contextmanager
def held(name: str) -> Iterator[None]:
    """Hold the lock of this name; wait for whoever has it. It falls with its holder, however that ends."""
    path = FOLDER / f"{name}.lock"
    while True:
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_still(path, file.fileno()):
                try:
                    yield
                finally:
                    path.unlink()
                return


def _is_still(path: Path, handle: int) -> bool:
    """Whether the file is still the one of this name: its last holder may have removed it meanwhile."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
