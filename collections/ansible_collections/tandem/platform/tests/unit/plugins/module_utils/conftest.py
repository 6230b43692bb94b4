"""An API for each file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.testing import Endpoint, api


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with api() as running:
        yield running
