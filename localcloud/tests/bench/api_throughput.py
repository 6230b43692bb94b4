"""Calls per second of the API with the wrapper and of bare moto: `python localcloud/tests/bench/api_throughput.py`.

Both run behind the same server in separate processes. The same client signs its requests once, and sends them to both in
turn over plain sockets. Prints a table; asserts nothing.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

BARE = """
import os, socket, sys
from localcloud.api.moto.environment import prepare
prepare()
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from localcloud.api.server import _Handler
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True, request_handler=_Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
CALLS = {
    "DescribeInstances": ("ec2", "Action=DescribeInstances&Version=2016-11-15"),
    "DescribeSecurityGroups": ("ec2", "Action=DescribeSecurityGroups&Version=2016-11-15"),
    "CreateTags": (
        "ec2",
        "Action=CreateTags&Version=2016-11-15&ResourceId.1={vpc}&Tag.1.Key=Name&Tag.1.Value=x&Tag.2.Key=a&Tag.2.Value=b",
    ),
    "DescribeLoadBalancers": ("elasticloadbalancing", "Action=DescribeLoadBalancers&Version=2015-12-01"),
    "DescribeDBInstances": ("rds", "Action=DescribeDBInstances&Version=2014-10-31"),
}


@dataclass(frozen=True)
class Server:
    pid: int
    port: int
    credentials: Credentials

    def cpu_seconds(self) -> float:
        """CPU time of the server so far, which does not depend on the load of the machine."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def wrapped() -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud.cli", "api", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    port = int(lines[0].split("127.0.0.1:")[1].split()[0])
    key, secret = (line.strip().split("=", 1)[1] for line in lines[1:])
    try:
        yield Server(process.pid, port, Credentials(key, secret))
    finally:
        process.terminate()
        process.wait()


@contextmanager
def bare() -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, "-c", BARE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ
    )
    assert process.stdout is not None
    try:
        yield Server(process.pid, int(process.stdout.readline()), Credentials("AKIAIOSFODNN7EXAMPLE", "secret"))
    finally:
        process.terminate()
        process.wait()


def signed(server: Server, service: str, body: str) -> AWSRequest:
    request = AWSRequest(
        "POST",
        f"http://127.0.0.1:{server.port}/",
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        data=body,
    )
    SigV4Auth(server.credentials, service, "us-east-1").add_auth(request)
    return request


def send(server: Server, request: AWSRequest) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/", body=request.data, headers=dict(request.headers.items()))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{answer.status}: {body[:300].decode()}")
    return body


def measure(server: Server, service: str, body: str, calls: int) -> tuple[float, float]:
    """Sequential calls per second of clock time and of the server's CPU time."""
    request = signed(server, service, body)
    began, used = time.perf_counter(), server.cpu_seconds()
    for _ in range(calls):
        send(server, request)
    return calls / (time.perf_counter() - began), calls / max(server.cpu_seconds() - used, 0.01)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200, help="calls a round (default 200)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each, turn and turn about (default 5)")
    arguments = parser.parse_args()
    with wrapped() as one, bare() as other:
        print(f"{'':24}{'calls/s of the clock':^28}{'calls/s of CPU time':^28}")
        print(f"{'call':24}" + f"{'wrapped':>10}{'bare':>10}{'ratio':>8}" * 2)
        for name, (service, template) in CALLS.items():
            rates: dict[Server, list[tuple[float, float]]] = {one: [], other: []}
            bodies = {server: template.format(vpc=_default_vpc(server)) for server in rates}
            for server in rates:
                measure(server, service, bodies[server], 20)  # the first calls load the service
            for _ in range(arguments.rounds):
                for server, seen in rates.items():
                    seen.append(measure(server, service, bodies[server], arguments.calls))
            line = f"{name:24}"
            for kind in (0, 1):
                here, there = (statistics.median(pair[kind] for pair in rates[server]) for server in (one, other))
                line += f"{here:10.0f}{there:10.0f}{here / there:8.2f}"
            print(line)


def _default_vpc(server: Server) -> str:
    answer = send(server, signed(server, "ec2", "Action=DescribeVpcs&Version=2016-11-15")).decode()
    return answer.split("<vpcId>")[1].split("</vpcId>")[0]


if __name__ == "__main__":
    main()
