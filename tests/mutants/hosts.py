"""Mutants of hosts: metadata service, listening programs, volumes."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mutants import mutant
from tests.mutants.deployment import Deployment


@mutant("metadata hop limit 2", r"frontend-1: the metadata hop limit is 2, wanted 1")
def hop_limit(deployment: Deployment) -> Iterator[None]:
    set_metadata(deployment, "frontend-1", "required", 2)
    yield
    set_metadata(deployment, "frontend-1", "required", 1)


@mutant("metadata without a token", r"backend-2: the metadata service answers without a token")
def tokens_optional(deployment: Deployment) -> Iterator[None]:
    set_metadata(deployment, "backend-2", "optional", 1)
    yield
    set_metadata(deployment, "backend-2", "required", 1)


def set_metadata(deployment: Deployment, host: str, tokens: str, hop_limit: int) -> None:
    """Set all options of a host's metadata service."""
    deployment.ec2.modify_instance_metadata_options(
        InstanceId=deployment.instance(host)["InstanceId"],
        HttpTokens=tokens,
        HttpPutResponseHopLimit=hop_limit,
        HttpEndpoint="enabled",
    )


@mutant("a program listening on the Docker API's port", r"frontend-1: \S+ listens on tcp port 2375 of")
def docker_port(deployment: Deployment) -> Iterator[None]:
    server = ["systemd-run", "--unit", "mutant-listener", "python3", "-m", "http.server", "--directory", "/run", "2375"]
    deployment.run("frontend-1", *server)
    deployment.wait("port 2375", lambda: ":2375" in deployment.run("frontend-1", "ss", "-Hltn"), 20)
    yield
    deployment.run("frontend-1", "systemctl", "stop", "mutant-listener")


@mutant("a secret in a process's arguments", r"backend-1: a secret can be read in the arguments of process")
def secret_in_arguments(deployment: Deployment) -> Iterator[None]:
    container = deployment.application("backend-1")
    script = (
        "import json, os, subprocess; "
        f"found = json.loads(subprocess.check_output(['docker', 'inspect', {container!r}]))[0]['Config']['Env']; "
        "secret = next(item for item in found if item.startswith('DBCONNECTIONSTRING=')); "
        "os.execvp('sh', ['sh', '-c', 'sleep 600', secret])"
    )
    unit = ["systemd-run", "--unit", "mutant-arguments", "python3", "-c", script]
    deployment.run("backend-1", *unit)
    yield
    deployment.run("backend-1", "systemctl", "stop", "mutant-arguments")


@mutant("a volume that is not encrypted", r"frontend-2: volume vol-\w+ is not encrypted")
def plain_volume(deployment: Deployment) -> Iterator[None]:
    instance = deployment.instance("frontend-2")
    zone = instance["Placement"]["AvailabilityZone"]
    volume = deployment.ec2.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3", Encrypted=False)["VolumeId"]

    def state() -> str:
        return str(deployment.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"])

    deployment.wait("the volume is available", lambda: state() == "available")
    try:
        deployment.ec2.attach_volume(VolumeId=volume, InstanceId=instance["InstanceId"], Device="/dev/sdf")
        deployment.wait("the volume is in use", lambda: state() == "in-use")
        yield
        deployment.ec2.detach_volume(VolumeId=volume, InstanceId=instance["InstanceId"], Device="/dev/sdf")
        deployment.wait("the volume is available", lambda: state() == "available")
    finally:
        deployment.ec2.delete_volume(VolumeId=volume)


@mutant("a resolver that listens to its neighbours", r"backend-1: systemd-resolve listens on tcp port 5355 of")
def resolver_listens(deployment: Deployment) -> Iterator[None]:
    settings, aside = "/etc/systemd/resolved.conf.d/50-docker-host.conf", "/run/50-docker-host.conf"

    def move(before: str, after: str) -> None:
        deployment.run("backend-1", "mv", before, after)
        deployment.run("backend-1", "systemctl", "restart", "systemd-resolved")

    move(settings, aside)
    deployment.wait("port 5355", lambda: ":5355" in deployment.run("backend-1", "ss", "-Hltn"), 20)
    yield
    move(aside, settings)
