"""How long provisioning takes without AWS's waits, and with a share of them: `python -m tests.bench.provision`.

The playbooks run against the API alone, which has no data plane to share the machine with. The yardstick is a straight
boto3 script that makes the same resources. Prints a table; asserts nothing: the machine's load is part of every number.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localcloud.testing import Endpoint, Stack, api, without_aws

ROOT = Path(__file__).parents[2]
NO_WAITS = "0.001"  # of AWS's own durations: below the resolution of anything here
DATABASE_SECONDS = 420  # the longest of AWS's own waits, with which the environment's longest chain ends


@dataclass(frozen=True)
class Run:
    """One measured run. tasks: results that Ansible printed, each of which is about one module run."""

    name: str
    wall: float
    cpu: float
    tasks: int
    calls: int
    writes: int


def measure(name: str, endpoint: Endpoint, work: Callable[[], str]) -> Run:
    """work returns what Ansible printed."""
    calls, writes = len(endpoint.journal()), len(endpoint.journal(mutating=True))
    usage = _cpu()
    begin = time.monotonic()
    output = work()
    wall = time.monotonic() - begin
    tasks = len(re.findall(r"^(?:ok|changed): ", output, re.MULTILINE))
    return Run(
        name,
        wall,
        _cpu() - usage,
        tasks,
        len(endpoint.journal()) - calls,
        len(endpoint.journal(mutating=True)) - writes,
    )


def _cpu() -> float:
    """Seconds of processor that this process and its children (not the API) have used."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def playbook(endpoint: Endpoint, state: str, name: str, *arguments: str) -> Callable[[], str]:
    def run() -> str:
        extra = ["-e", f"state_dir={state}", "-e", "ssh_host_keys=accept-new", *arguments]
        extra += ["-e", "admin_cidr=203.0.113.7/32"]
        command = [f"{ROOT}/.venv/bin/ansible-playbook", "-i", "inventory/local", f"playbooks/{name}.yml", *extra]
        environment = {**without_aws(), **endpoint.environment, "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"}
        answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800)
        if answer.returncode:
            raise SystemExit(f"{name} failed:\n{answer.stdout[-3000:]}{answer.stderr[-1000:]}")
        return answer.stdout

    return run


def without_waits(state: str) -> list[Run]:
    """Creation, second run, check mode and teardown, and the script, on one account."""
    with api("--aws-time", NO_WAITS) as endpoint:

        def script() -> str:
            Stack(endpoint.client, "tandem", "script").make()
            return ""

        def step(name: str, file: str, *arguments: str) -> Run:
            return measure(name, endpoint, playbook(endpoint, state, file, *arguments))

        return [
            measure("boto3 script, creation", endpoint, script),
            step("provision.yml, creation", "provision"),
            step("provision.yml, second run", "provision"),
            step("provision.yml --check", "provision", "--check"),
            step("teardown.yml", "teardown", "-e", "confirm=tandem-local", "-e", "teardown_final_snapshot=false"),
        ]


def show(runs: list[Run]) -> None:
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} at the end (the run itself is about 1)\n")
    print(f"{'run':28} {'wall s':>8} {'cpu s':>8} {'results':>8} {'calls':>7} {'writes':>7}")
    for run in runs:
        print(f"{run.name:28} {run.wall:8.1f} {run.cpu:8.1f} {run.tasks:8} {run.calls:7} {run.writes:7}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--aws-time", type=float, help="also a creation with this factor on AWS's own waits, e.g. 0.2")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as state:
        runs = without_waits(state)
        show(runs)
        if arguments.aws_time:
            with api("--aws-time", str(arguments.aws_time)) as endpoint:
                cold = measure("creation", endpoint, playbook(endpoint, state, "provision"))
            longest = DATABASE_SECONDS * arguments.aws_time
            limit = 1.25 * longest + runs[1].wall
            print(
                f"\nwith AWS's waits times {arguments.aws_time}: {cold.wall:.1f} s; "
                f"longest wait {longest:.0f} s, 1.25 of it and the run without waits: {limit:.1f} s"
            )


if __name__ == "__main__":
    main()
