"""Last of all: nothing left the machine, and nothing of the local cloud stays on it."""

from __future__ import annotations

from localcloud.testing import kept
from tests.support.cloud import Cloud


def test_no_packet_left_the_machine(cloud: Cloud) -> None:
    leaked = cloud.status()["leaked_packets"]
    print(f"packets that tried to leave the machine: {leaked}")
    assert leaked == 0


def test_down_leaves_nothing(cloud: Cloud) -> None:
    assert any(kept(cloud.name).values()), "the test looks in the wrong places"
    cloud.localcloud("down")
    assert not any(kept(cloud.name).values()), kept(cloud.name)
