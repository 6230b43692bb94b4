"""A load balancer over two web hosts in a Lab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import Lab

from .balanced import Balanced


@pytest.fixture
def balanced(lab: Lab) -> Iterator[Balanced]:
    """Hosts one and two, not registered yet: call serve() with the targets to register."""
    made = Balanced(lab)
    try:
        yield made
    finally:
        made.close()
