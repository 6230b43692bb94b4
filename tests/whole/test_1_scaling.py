"""Two numbers make the fleet larger, and smaller again without a lost request."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.releases.load import Load
from tests.support.cloud import Cloud
from tests.whole.conftest import Deployment
from tests.whole.shape import SHAPE, shape


def hosts(cloud: Cloud) -> Counter[str]:
    """How many running hosts each tier has."""
    running = [host for host in cloud.status()["instances"] if host["state"] == "running"]
    return Counter(host["name"].rpartition("-")[0] for host in running)


@pytest.mark.long
def test_three_frontends_and_five_backends_and_back(deployment: Deployment) -> None:
    cloud = deployment.cloud
    more = cloud.playbook("site.yml", "-e", "frontend_count=3", "-e", "backend_count=5").must_succeed()
    print(f"3 frontends and 5 backends, verified: {more.seconds:.0f} s")
    assert hosts(cloud) == {"frontend": 3, "backend": 5}

    load = Load(f"http://localhost:{cloud.environment['LOCALCLOUD_PORT']}/passthrough", rate=50, workers=4)
    load.start()
    fewer = cloud.playbook("site.yml").must_succeed()
    load.stop()
    failed = [answer for answer in load.answers if answer.error]
    print(f"back to 2 and 2, verified: {fewer.seconds:.0f} s, {len(load.answers)} requests, {len(failed)} failed")
    assert hosts(cloud) == {"frontend": 2, "backend": 2}
    assert failed == []
    assert len(load.answers) > 100
    # Everything else is as it was. New hosts got a release of their own, so there is one record more.
    left = shape(cloud.listing() - deployment.before)
    assert {**left, "Parameters": 0} == {**SHAPE, "Parameters": 0}
