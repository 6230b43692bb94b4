"""Last of all: nothing left the machine, and nothing of the local cloud stays on it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.cloud import Cloud


def test_no_packet_left_the_machine(cloud: Cloud) -> None:
    leaked = cloud.status()["leaked_packets"]
    print(f"packets that tried to leave the machine: {leaked}")
    assert leaked == 0


def test_down_leaves_nothing(cloud: Cloud) -> None:
    assert any(kept(cloud).values()), "the test looks in the wrong places"
    cloud.localcloud("down")
    assert kept(cloud) == {
        "containers": [],
        "volumes": [],
        "namespaces": [],
        "tables": [],
        "processes": [],
        "files": [],
    }


def kept(cloud: Cloud) -> dict[str, list[str]]:
    """What on this machine carries the cloud's name."""
    label = f"label=localcloud={cloud.name}"
    return {
        "containers": lines("docker", "ps", "--all", "--quiet", "--filter", label),
        "volumes": lines("docker", "volume", "ls", "--quiet", "--filter", label),
        "namespaces": [line for line in lines("ip", "netns", "list") if line.startswith(f"{cloud.name}-")],
        "tables": [line for line in lines("nft", "list", "tables") if cloud.name.replace("-", "_") in line],
        "processes": [
            str(path.parent)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if f"localcloud.daemon\0{cloud.name}\0" in read(path)
        ],
        "files": [str(path) for path in Path("/var/lib/localcloud").glob(cloud.name)],
    }


def lines(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
