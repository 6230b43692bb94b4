"""An API in this process, without a data plane: resources become ready after their quick durations."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.api import Api
from localcloud.settings import Settings

from .helpers import Clients, World


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    root: Path = tmp_path_factory.mktemp("state")
    settings = Settings(name="api-tests", state_root=root)
    settings.state_dir.mkdir()
    api = Api(settings, None)
    api.serve([socket.create_server(("127.0.0.1", 0))])
    yield api
    api.close()


@pytest.fixture(scope="session")
def clients(api: Api) -> Clients:
    return Clients(api)


@pytest.fixture(scope="session")
def world(clients: Clients) -> World:
    """A VPC with everything in it, in us-east-1, for tests that only add to it."""
    return World(clients, "us-east-1")


@pytest.fixture
def name() -> str:
    """A unique name."""
    return f"n{uuid.uuid4().hex[:10]}"
