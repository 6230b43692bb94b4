"""A fresh cloud without an API for each test that sends packets."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .lab import Lab, count, standard_vpc

numbers = itertools.count()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """An empty cloud."""
    made = Lab(f"t{os.getpid()}-{next(numbers)}", tmp_path)
    try:
        yield made
        leaked = made.guard.leaks()
    finally:
        made.close()
    count(leaked)


@pytest.fixture
def vpc(lab: Lab) -> Lab:
    """The standard VPC, up, with a host at every interface that serves ports 80, 5001 and 5432."""
    lab.apply(standard_vpc())
    lab.plug(lab.vpc, 80, 5001, 5432)
    return lab
