"""`make bench-localcloud`: time to start and stop, rule changes, memory with 0, 4 and 20 hosts, calls per second.

Uses its own local cloud and plain boto3 clients. Prints a table; asserts nothing about speed.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import boto3

from localcloud.clouds import daemon_pid, find
from localcloud.machine import images
from localcloud.machine.images import mirror, recipes

NAME, PORT = "bench", "8099"
CHANGES = 100
FLEETS = (0, 4, 20)
INSTANCE_TYPE = "t2.nano"
WAIT_SECONDS = 300
PROBE_SECONDS = 0.01
# Connection timeouts: short ones measure precisely, long ones make sure that packets are dropped.
OPEN_SECONDS, CLOSED_SECONDS = 0.02, 0.1


def main() -> None:
    if "--inside" in sys.argv:
        inside()
        return
    os.environ.update(LOCALCLOUD_NAME=NAME, LOCALCLOUD_PORT=PORT)
    say_conditions()
    localcloud("down")
    build = timed(build_images)
    try:
        up = timed(lambda: localcloud("up"))
        show("up, images in place", f"{up:6.1f} s")
        show("up from nothing: the images built before it", f"{build + up:6.1f} s, of which images {build:.1f} s")
        localcloud("exec", "--", sys.executable, __file__, "--inside")
    finally:
        down = timed(lambda: localcloud("down"))
    show(f"down, with {FLEETS[-1]} hosts", f"{down:6.1f} s")
    say_conditions()
    subprocess.run([sys.executable, str(Path(__file__).with_name("api_throughput.py"))], check=True)


def show(what: str, value: str) -> None:
    print(f"{what:<44} {value}", flush=True)


def say_conditions() -> None:
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    print(f"{os.cpu_count()} CPUs, Linux {os.uname().release}, load {load} (1, 5 and 15 minutes)", flush=True)


def build_images() -> None:
    """The same images under other names, so that the images of other clouds stay; removed at the end."""
    wanted = [replace(recipe, tag=f"bench-{recipe.tag}") for recipe in recipes.ALL]
    try:
        images.build(wanted, mirror.of_machine(), lambda _: None)
    finally:
        subprocess.run(["docker", "image", "rm", *[recipe.tag for recipe in wanted]], check=False, capture_output=True)


def localcloud(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "localcloud.cli", *arguments], check=True, stderr=subprocess.DEVNULL)


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def inside() -> None:
    """The measurements that run in the simulated internet."""
    ec2 = boto3.client("ec2")
    subnet, group = make_network(ec2)
    running: list[str] = []
    for size in FLEETS:
        if size > len(running):
            seconds = timed(partial(grow, ec2, subnet, group, running, size))
            show(f"{size} hosts run, from RunInstances", f"{seconds:6.1f} s")
        show(f"memory with {size} hosts: daemon, containers", f"{daemon_mib():6.0f} MiB, {containers_mib():.0f} MiB")
        if size == FLEETS[1]:
            report_changes(*changes(ec2, group, address_of(ec2, running[0])))


def make_network(ec2: Any) -> tuple[str, str]:
    """Create a VPC with a public subnet. Returns the IDs of the subnet and of a group without rules."""
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    table = tables[0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    group = ec2.create_security_group(GroupName="bench", Description="bench", VpcId=vpc)["GroupId"]
    return subnet, group


def grow(ec2: Any, subnet: str, group: str, running: list[str], size: int) -> None:
    """Start hosts until there are `size`, and wait for them."""
    running += start(ec2, subnet, group, size - len(running))


def start(ec2: Any, subnet: str, group: str, count: int) -> list[str]:
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])["Images"][0]["ImageId"]
    made = ec2.run_instances(
        ImageId=image,
        InstanceType=INSTANCE_TYPE,
        MinCount=count,
        MaxCount=count,
        SubnetId=subnet,
        SecurityGroupIds=[group],
    )["Instances"]
    identifiers = [instance["InstanceId"] for instance in made]
    waiter = ec2.get_waiter("instance_running")
    waiter.wait(InstanceIds=identifiers, WaiterConfig={"Delay": 1, "MaxAttempts": WAIT_SECONDS})
    return identifiers


def address_of(ec2: Any, instance: str) -> str:
    found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    return str(found["PublicIpAddress"])


def changes(ec2: Any, group: str, address: str) -> tuple[list[float], list[float]]:
    """Seconds from the API's response to its effect on packets, for added and for revoked rules."""
    rule = {
        "GroupId": group,
        "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    }
    opened, closed = [], []
    for _ in range(CHANGES // 2):
        ec2.authorize_security_group_ingress(**rule)
        opened.append(seconds_until(address, answers=True))
        ec2.revoke_security_group_ingress(**rule)
        closed.append(seconds_until(address, answers=False))
    return opened, closed


def seconds_until(address: str, *, answers: bool) -> float:
    """Seconds until a new connection is accepted, or is no longer accepted."""
    start = time.monotonic()
    while (began := time.monotonic()) < start + WAIT_SECONDS:
        if is_taken(address, OPEN_SECONDS if answers else CLOSED_SECONDS) is answers:
            return (time.monotonic() if answers else began) - start
        time.sleep(PROBE_SECONDS)
    raise TimeoutError(f"no change was seen within {WAIT_SECONDS} s")


def is_taken(address: str, patience: float) -> bool:
    """Whether a new connection to port 22 is accepted."""
    try:
        socket.create_connection((address, 22), timeout=patience).close()
    except OSError:
        return False
    return True


def report_changes(opened: list[float], closed: list[float]) -> None:
    for what, seconds in (("rules added", opened), ("rules revoked", closed), ("rules changed", opened + closed)):
        median, worst = statistics.median(seconds) * 1000, max(seconds) * 1000
        show(f"{len(seconds)} {what}, to packets", f"{median:6.0f} ms median, {worst:.0f} ms worst")


def daemon_mib() -> float:
    settings = find(NAME)
    pid = daemon_pid(settings) if settings else None
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def containers_mib() -> float:
    """Memory of the hosts' processes, as reported by Docker."""
    mine = subprocess.run(
        ["docker", "ps", "-q", "--filter", f"label=localcloud={NAME}"], capture_output=True, text=True, check=True
    ).stdout.split()
    if not mine:
        return 0.0
    shown = subprocess.run(
        ["docker", "stats", "--no-stream", "--format", "{{json .MemUsage}}", *mine],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return sum(mebibytes(json.loads(line).split("/")[0].strip()) for line in shown.splitlines())


def mebibytes(text: str) -> float:
    """`45.3MiB` as 45.3."""
    for unit, factor in (("KiB", 1 / 1024), ("MiB", 1), ("GiB", 1024), ("B", 1 / 1024**2)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise ValueError(text)


if __name__ == "__main__":
    main()
