"""Locks between processes, which leave no files behind."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path("/run")


@contextmanager
def held(name: str) -> Iterator[None]:
    """Wait for the lock of this name and hold it. The kernel releases it if the holder is killed."""
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
    """Whether the last holder has not removed the file in the meantime."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
