"""What the verifications of the scenarios share."""

import pytest

from localcloud.testing import Endpoint
from tests.support.scenario import attached


@pytest.fixture(scope="session")
def endpoint() -> Endpoint:
    """The API on which the scenario ran."""
    return attached()
