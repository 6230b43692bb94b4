"""Mutants of hosts: how many run, metadata service, listening programs, volumes."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mutants import mutant
from tests.mutants.deployment import Deployment


@mutant("a host stopped", r"backend-1 is stopped, not running")
def stopped(deployment: Deployment) -> Iterator[None]:
    instance = deployment.instance("backend-1")["InstanceId"]
    deployment.ec2.stop_instances(InstanceIds=[instance])
    wait_until(deployment, instance, "stopped")
    yield
    deployment.ec2.start_instances(InstanceIds=[instance])
    wait_until(deployment, instance, "running")


@mutant("a host beyond the number", r"backend-\d+ is beyond the wanted number of hosts")
def host_beyond(deployment: Deployment) -> Iterator[None]:
    like, name = deployment.instance("backend-1"), f"backend-{int(deployment.variables['backend_count']) + 1}"
    tags = [{**tag, "Value": name} if tag["Key"] == "Name" else tag for tag in like["Tags"]]
    made = deployment.ec2.run_instances(
        ImageId=like["ImageId"],
        InstanceType=like["InstanceType"],
        KeyName=like["KeyName"],
        IamInstanceProfile={"Arn": like["IamInstanceProfile"]["Arn"]},
        SubnetId=like["SubnetId"],
        SecurityGroupIds=[deployment.group("backend")],
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        MinCount=1,
        MaxCount=1,
    )["Instances"][0]["InstanceId"]
    try:
        wait_until(deployment, made, "running")
        yield
    finally:
        deployment.ec2.terminate_instances(InstanceIds=[made])
        wait_until(deployment, made, "terminated")


def wait_until(deployment: Deployment, instance: str, state: str) -> None:
    """Wait until EC2 says this state of an instance."""

    def seen() -> str:
        [reservation] = deployment.ec2.describe_instances(InstanceIds=[instance])["Reservations"]
        return str(reservation["Instances"][0]["State"]["Name"])

    deployment.wait(f"{instance} is {state}", lambda: seen() == state)


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
