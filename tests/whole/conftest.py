"""Local clouds for the tests of this folder. They run in the order of the files: each finds what the last one left.

Files 1, 2 and 9 share one. Files 7 and 8 run beside them, each on a cloud of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.cloud import Cloud, Run
from tests.support.sample import in_full, of_the_day, today
from tests.support.spread import Spread
from tests.whole.kill import Kill, chosen_kills
from tests.whole.lookalikes import plant
from tests.whole.operator import hire

# The files whose tests run beside those of all others, by how their names begin.
BESIDE = {"test_7_": "kills", "test_8_": "readme"}


@dataclass
class Deployment:
    """A local cloud with an environment that was deployed once.

    before: the account's listing before it. run: the one that made it, or finished it.
    """

    cloud: Cloud
    before: set[str]
    run: Run

    def must_pass(self, module: str, *options: str, minutes: int) -> None:
        """A module that acts on the environment, and whose playbooks the operator runs, finds nothing wrong."""
        cloud = self.cloud
        key = [f"OPERATOR_{name}={value}" for name, value in cloud.operator.items()]
        program = ["env", *key, sys.executable, "-m", module, "-i", cloud.inventory, "-e", f"env_name={cloud.env_name}"]
        done = cloud.exec(*program, *options, timeout=minutes * 60)
        print(done.stdout)
        assert done.returncode == 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spread:
    """Tests that share a cloud on one worker, in their order."""
    return Spread(
        config, log, lambda nodeid: next((group for name, group in BESIDE.items() if name in nodeid), "whole")
    )


@contextmanager
def local_cloud(name: str, env_name: str) -> Iterator[Cloud]:
    """A running local cloud whose account holds nothing but other people's look-alikes, and an operator's user."""
    made = Cloud(name, env_name)
    made.localcloud("down")
    try:
        made.localcloud("up")
        plant(made)
        hire(made, "second")
        yield made
    finally:
        made.localcloud("down")


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with local_cloud("tandem-whole", "whole") as made:
        yield made


@pytest.fixture(scope="session")
def before(cloud: Cloud) -> set[str]:
    """The account's listing before anything is deployed."""
    return cloud.listing()


@pytest.fixture(scope="session")
def deployment(cloud: Cloud, before: set[str]) -> Deployment:
    return Deployment(cloud, before, cloud.playbook("site.yml").must_succeed())


@pytest.fixture(scope="session")
def apart() -> Iterator[Cloud]:
    """Another local cloud, on which nothing is deployed."""
    with local_cloud("tandem-apart", "apart") as made:
        yield made


@pytest.fixture(scope="session")
def seed() -> str:
    return today()


@pytest.fixture(scope="session")
def torture() -> bool:
    return in_full()


@pytest.fixture(scope="session")
def kills(seed: str, torture: bool) -> list[Kill]:
    return chosen_kills(seed, torture)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the tests marked as long, one a day; all of them in torture."""
    marked = [item for item in items if item.get_closest_marker("long")]
    chosen = of_the_day(marked, 1) if marked else []
    for item in marked:
        if item not in chosen:
            item.add_marker(pytest.mark.skip("not in today's sample"))
