"""Whether the load balancers reach the second containers, asked before a release begins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.testing import Endpoint, api

from .rehearsal import Rehearsal, words

PORTS = {"backend": 5011, "frontend": 5010}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Endpoint]:
    """An account whose only open port is the frontends'."""
    with api() as endpoint:
        ec2 = endpoint.client("ec2")
        for tier in PORTS:
            group = ec2.create_security_group(GroupName=f"t-{tier}", Description="Of a tier")["GroupId"]
            ranges = [{"CidrIp": "10.0.0.0/8"}]
            open_ports = (22, PORTS[tier]) if tier == "frontend" else (22,)
            rules = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges} for port in open_ports]
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
        yield endpoint


@pytest.mark.parametrize(
    ("tiers", "said"),
    [
        (("frontend",), ""),
        (("frontend", "backend"), "port 5011 of t-backend, for a new container beside the old one, is not open"),
    ],
)  # fmt: skip
def test_a_port_that_is_shut(
    tmp_path: Path, cloud: Endpoint, monkeypatch: pytest.MonkeyPatch, tiers: tuple[str, ...], said: str
) -> None:
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    hosts = {f"{tier}-1": {"release_surge_port": PORTS[tier]} for tier in tiers}
    rehearsal = Rehearsal(tmp_path, {}, hosts, {"name_prefix": "t", "release_surge": True})
    played = rehearsal.play(("localhost", ["surge_ports"]))
    assert (played.returncode != 0) is bool(said), played.stdout + played.stderr
    assert said in words(played)
