"""The sweep removes everything of one cloud without its daemon, and nothing of another."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Lab, standard_vpc
from localcloud.machine import images, namespaces
from localcloud.machine.sweep import sweep
from localcloud.settings import Settings

pytestmark = pytest.mark.cloud

# A cloud in its own process, which is then killed: VPC, name servers, a container and a volume.
CLOUD = """
import subprocess, sys, time
from pathlib import Path
from lab import Lab, standard_vpc
from localcloud.machine import images
from localcloud.dataplane.network.dns import Dns
from localcloud.dataplane.network.packages import Packages
lab = Lab("tkilled", Path(sys.argv[1]))
lab.apply(standard_vpc())
Dns(lab.settings, lab.reality, Packages(lab.network, hosts=())).reconcile(lab.topology)
label = "localcloud=tkilled"
subprocess.run(["docker", "volume", "create", "--label", label, "tkilled-disk"], check=True, stdout=subprocess.DEVNULL)
subprocess.run(["docker", "run", "--detach", "--name", "tkilled-host", "--label", label, "--network", "none",
                "--volume", "tkilled-disk:/disk", images.SLIM_BASE, "sleep", "infinity"], check=True, stdout=subprocess.DEVNULL)
print(lab.settings.slot, flush=True)
time.sleep(600)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[Settings]:
    """The settings of a cloud whose process was killed with SIGKILL."""
    images.ensure(print)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-c", CLOUD, str(tmp_path)], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    slot = process.stdout.readline()
    process.kill()
    process.wait()
    settings = Settings(name="tkilled", slot=int(slot), state_root=tmp_path)
    yield settings
    sweep(settings)


def test_a_killed_cloud_is_swept_and_its_neighbour_is_not(killed: Settings, lab: Lab) -> None:
    lab.apply(standard_vpc())
    lab.plug(lab.vpc, 80)
    removed = sweep(killed)
    kinds = {line.split()[0] for line in removed}
    assert kinds == {"container", "volume", "process", "network", "link", "firewall"}, removed
    assert sweep(killed) == []
    assert not [name for name in namespaces.names() if name.startswith("tkilled-")]
    assert lab.ask_from_internet("198.18.128.10", 80) == "web1 198.18.0.10"
    assert lab.guard.exists()


def test_the_name_alone_is_enough(killed: Settings) -> None:
    """If the settings file is lost, the slot is unknown, and a wrong one does no harm."""
    assert len(sweep(Settings(name="tkilled", slot=(killed.slot + 1) % 16, state_root=killed.state_root))) >= 6
    assert sweep(killed) == []
