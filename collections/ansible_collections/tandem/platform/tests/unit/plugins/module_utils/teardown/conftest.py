"""What an account holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from localcloud.testing import Endpoint
from tests.support.account import listing

from .gone import Pass, environment


@pytest.fixture(autouse=True)
def _clean(endpoint: Endpoint, request: pytest.FixtureRequest) -> Iterator[None]:
    """What a failed test leaves behind must not fail the next one."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        Pass(environment(endpoint), True).run(30)


@pytest.fixture
def account(endpoint: Endpoint) -> Callable[[], set[str]]:
    return lambda: listing(endpoint.client)
