"""The instance metadata service, queried by hosts and by a container behind a host."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab import Lab, put_behind
from localcloud.contract.topology import Instance
from localcloud.contract.topology import Metadata as Options
from localcloud.dataplane.network.metadata import Metadata
from localcloud.machine import namespaces

pytestmark = pytest.mark.cloud

TOKEN, TTL = "X-aws-ec2-metadata-token", "X-aws-ec2-metadata-token-ttl-seconds"
KEY = "ssh-ed25519 AAAAC3Nza key"


class Service:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.metadata = Metadata(lab.settings, lab.reality)

    def set(self, options: Options) -> None:
        """web1 and app1 are instances with these options."""
        web = Instance(
            "i-web1", "us-east-1", "us-east-1a", self.lab.vpc.id, "eni-web1", "ami-1", "t3.micro", 1024, "running",
            key_name="ops", public_key=KEY, user_data=b"#!/bin/sh\ntrue\n", metadata=options, tags=(("Name", "web-1"),),
            instance_profile_arn="arn:aws:iam::123456789012:instance-profile/web",
        )  # fmt: skip
        app = replace(
            web, id="i-app1", interface_id="eni-app1", public_key=None, user_data=b"", instance_profile_arn=None
        )
        self.metadata.reconcile(replace(self.lab.topology, instances=(web, app)))

    def request(self, pid: int, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        connection = http.client.HTTPConnection("169.254.169.254")
        connection.sock = namespaces.connect(pid, "169.254.169.254", 80, 1.0)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def token(self, host: str = "web1", seconds: str = "60") -> str:
        status, text = self.request(self.lab.hosts[host].pid, "PUT", "/latest/api/token", {TTL: seconds})
        assert status == 200
        return text

    def get(self, path: str, host: str = "web1", token: str | None = None) -> tuple[int, str]:
        return self.request(self.lab.hosts[host].pid, "GET", path, {TOKEN: token or self.token(host)})


@pytest.fixture
def service(vpc: Lab) -> Iterator[Service]:
    made = Service(vpc)
    made.set(Options())
    yield made
    made.metadata.close()


def test_a_host_learns_who_it_is(service: Service) -> None:
    base = "/latest/meta-data"
    assert service.get(f"{base}/instance-id") == (200, "i-web1")
    assert service.get(f"{base}/instance-id", host="app1") == (200, "i-app1")
    assert service.get(f"{base}/local-ipv4") == (200, "10.0.1.10")
    assert service.get(f"{base}/public-ipv4") == (200, "198.18.128.10")
    assert service.get(f"{base}/public-ipv4", host="app1") == (404, "")
    assert service.get(f"{base}/placement/availability-zone") == (200, "us-east-1a")
    assert service.get(f"{base}/security-groups") == (200, "web")
    assert service.get(f"{base}/public-keys/") == (200, "0=ops")
    assert service.get(f"{base}/public-keys/0/openssh-key") == (200, KEY)
    assert service.get("/latest/user-data") == (200, "#!/bin/sh\ntrue\n")
    assert json.loads(service.get(f"{base}/iam/info")[1])["InstanceProfileArn"].endswith("instance-profile/web")
    assert json.loads(service.get("/latest/dynamic/instance-identity/document")[1])["instanceId"] == "i-web1"
    assert service.get(f"{base}/tags/instance/Name")[0] == 404


def test_the_mac_is_the_devices_own(service: Service) -> None:
    mac = service.get("/latest/meta-data/mac")[1]
    assert mac in service.lab.hosts["web1"].run("ip", "link", "show", "eth0")
    assert service.get(f"/latest/meta-data/network/interfaces/macs/{mac}/subnet-id")[1] == service.lab.vpc.subnets[0].id


def test_folders_are_listed(service: Service) -> None:
    assert service.get("/latest/") == (200, "dynamic/\nmeta-data/\nuser-data")
    assert service.get("/latest/meta-data/placement/") == (200, "availability-zone\nregion")
    assert service.get("/latest/meta-data/nonsense") == (404, "")


def test_a_token_is_required_works_for_its_host_only_and_ends(service: Service) -> None:
    pid = service.lab.hosts["web1"].pid
    assert service.request(pid, "GET", "/latest/meta-data/instance-id", {})[0] == 401
    assert service.get("/latest/meta-data/instance-id", token="made-up")[0] == 401
    assert service.get("/latest/meta-data/instance-id", token=service.token("app1"))[0] == 401
    for wrong in ("", "0", "21601", "soon"):
        assert service.request(pid, "PUT", "/latest/api/token", {TTL: wrong})[0] == 400
    forwarded = {TTL: "60", "X-Forwarded-For": "198.18.0.10"}
    assert service.request(pid, "PUT", "/latest/api/token", forwarded)[0] == 403


def test_optional_tokens_tags_and_off(service: Service) -> None:
    pid = service.lab.hosts["web1"].pid
    service.set(Options(tokens="optional", tags=True))
    assert service.request(pid, "GET", "/latest/meta-data/tags/instance/Name", {}) == (200, "web-1")
    service.set(Options(enabled=False))
    assert service.request(pid, "PUT", "/latest/api/token", {TTL: "60"})[0] == 403


def test_a_container_behind_a_host_gets_a_token_only_within_the_hop_limit(service: Service) -> None:
    container = put_behind(service.lab.hosts["web1"], "container")
    try:
        with pytest.raises(TimeoutError):
            service.request(container.pid, "PUT", "/latest/api/token", {TTL: "60"})
        service.set(Options(hop_limit=2))
        status, token = service.request(container.pid, "PUT", "/latest/api/token", {TTL: "60"})
        assert status == 200
        assert service.request(container.pid, "GET", "/latest/meta-data/instance-id", {TOKEN: token}) == (200, "i-web1")
    finally:
        container.close()
