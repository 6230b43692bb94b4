"""An API for each file, and what an account holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from localcloud.testing import Endpoint, api
from tests.support.account import listing

from .gone import Pass, environment


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with api() as running:
        yield running


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
