"""A load balancer over two web hosts, or a database and a client, in a Lab."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..dataplane.lab import Lab, count
from .balanced import Balanced

numbers = itertools.count()


@pytest.fixture
def lab() -> Iterator[Lab]:
    """An empty cloud. Its state has a short path: the name of a unix socket has at most 107 characters."""
    with tempfile.TemporaryDirectory(prefix="lc") as folder:
        made = Lab(f"s{os.getpid()}-{next(numbers)}", Path(folder))
        try:
            yield made
            leaked = made.guard.leaks()
        finally:
            made.close()
        count(leaked)


@pytest.fixture
def balanced(lab: Lab) -> Iterator[Balanced]:
    """Hosts one and two behind nothing yet: call serve() with the targets that are to be registered."""
    made = Balanced(lab)
    try:
        yield made
    finally:
        made.close()
