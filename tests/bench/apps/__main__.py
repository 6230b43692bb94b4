"""The applications' benchmark: `python -m tests.bench.apps [--rounds N]`, as root, some minutes.

Every comparison is of two containers under the same gunicorn settings, in rounds that alternate, so that what
else the machine does falls on both. It prints a table for docs/apps.md, and fails only when a request does.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tests.apps import images
from tests.apps.processes import Postgres, free_port, get, wait_for

MOUNTED = Path(__file__).with_name("mounted")
PREFIX = f"apps-bench-{os.getpid()}"
FAR_FRONTEND, FAR_BACKEND = "198.18.254.1", "198.18.254.2"
FAR_NAME = "backend.bench"
ONE_WAY_MS = 0.5
PER_ROUND = 5_000
NEW_CONNECTIONS = ("gunicorn", "new_connections:app")


@dataclass
class Measured:
    """Requests that were sent and failed, and by round: requests per second, 50th and 99th percentile in ms,
    and the container's processor time for each request in µs, which other work on the machine hardly touches.
    """

    sent: int = 0
    failed: int = 0
    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def row(self, name: str) -> str:
        rate, p50, p99, cpu = (statistics.median(values) for values in (self.rates, self.p50, self.p99, self.cpu))
        return f"| {name} | {rate:,.0f} | {p50:.2f} | {p99:.2f} | {cpu:.0f} | {self.sent:,} | {self.failed} |"


@dataclass(frozen=True)
class Target:
    """A URL of a container, and the process in whose network namespace it is asked (None: the machine's own)."""

    container: str
    url: str
    inside: int | None = None

    def __truediv__(self, path: str) -> Target:
        return replace(self, url=f"{self.url}/{path}")


def processor_time(container: str) -> float:
    """What the container's processes have used so far, in µs."""
    ticks = 0
    for line in images.docker("top", container).splitlines()[1:]:
        # After the name in brackets, which may hold blanks: fields 14 and 15, user and system time.
        # A health check may have ended since it was listed.
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{line.split()[1]}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks * 1e6 / os.sysconf("SC_CLK_TCK")


def ask(target: Target, requests: int, clients: int, measured: Measured) -> None:
    """Send so many requests over kept connections, and note what came of them."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as percentiles:
        enter = ["nsenter", f"--net=/proc/{target.inside}/ns/net"] if target.inside else []
        command = [*enter, "ab", "-q", "-k", "-l", "-s", "30", "-n", str(requests), "-c", str(clients)]
        before = processor_time(target.container)
        done = subprocess.run(
            [*command, "-e", percentiles.name, target.url], capture_output=True, text=True, timeout=900, check=True
        )
        measured.cpu.append((processor_time(target.container) - before) / requests)
        rows = dict(list(csv.reader(Path(percentiles.name).read_text().splitlines()))[1:])

    def number(label: str) -> float:
        found = re.search(rf"^{label}: +([0-9.]+)", done.stdout, re.MULTILINE)
        return float(found[1]) if found else 0.0

    measured.sent += int(number("Complete requests"))
    measured.failed += int(number("Failed requests") + number("Non-2xx responses")) + requests
    measured.failed -= int(number("Complete requests"))
    measured.rates.append(number("Requests per second"))
    measured.p50.append(float(rows["50"]))
    measured.p99.append(float(rows["99"]))


def compare(ours: Target, other: Target, rounds: int, requests: int, clients: int) -> tuple[Measured, Measured, float]:
    """Both, turn about; the ratio is the median of the rounds' ratios."""
    results = (Measured(), Measured())
    for target in (ours, other):
        ask(target, requests // 10, clients, Measured())
    for turn in range(rounds):
        order = [(ours, results[0]), (other, results[1])]
        for target, measured in order if turn % 2 == 0 else reversed(order):
            ask(target, requests, clients, measured)
    ratio = statistics.median(mine / its for mine, its in zip(results[0].rates, results[1].rates, strict=True))
    return *results, ratio


@contextmanager
def container(
    image: str,
    name: str,
    variables: dict[str, str],
    *options: str,
    command: tuple[str, ...] = (),
    network: str = "host",
) -> Iterator[str]:
    """A running container, removed at the end."""
    name = f"{PREFIX}-{name}"
    try:
        # Logs go where they go on the hosts.
        mount = ("--log-driver", "local", "--volume", f"{MOUNTED}:/bench:ro")
        images.run(image, name, variables, *mount, *options, command=command, network=network)
        yield name
    finally:
        images.remove(name)


def started(name: str, port: int) -> Target:
    """The container's address on this machine, once it answers."""
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return get(f"{url}/version").status == 200
        except OSError:
            return False

    wait_for(answers, f"{name} to answer", 30)
    return Target(name, url)


def memory(name: str) -> float:
    """What a container uses, in MB."""
    used = images.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", name).split("/")[0].strip()
    number, unit = re.fullmatch(r"([0-9.]+)([KMG]iB)", used).groups()  # type: ignore[union-attr]
    return float(number) * {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[unit] / 1e6


def bench_near(frontend: str, backend: str, dsn: str, rounds: int) -> int:
    """Everything on the machine's loopback, with as many clients as keep it busy. Returns the failed requests."""
    back, front, new, bare = (free_port() for _ in range(4))
    common = {"NAME": "bench", "VERSION": "0.0.1"}
    api = {**common, "API": f"http://127.0.0.1:{back}"}
    with ExitStack() as stack:
        add = stack.enter_context
        backend_name = add(container(backend, "backend", {**common, "PORT": str(back), "DBCONNECTIONSTRING": dsn}))
        frontend_name = add(container(frontend, "frontend", {**api, "PORT": str(front)}))
        bench = {**api, "PYTHONPATH": "/bench"}
        new_name = add(container(frontend, "new", {**bench, "PORT": str(new)}, command=NEW_CONNECTIONS))
        bare_name = add(container(frontend, "hello", {**bench, "PORT": str(bare)}, command=("gunicorn", "hello:app")))
        backend_at, frontend_at, new_at, bare_at = (
            started(*pair)
            for pair in ((backend_name, back), (frontend_name, front), (new_name, new), (bare_name, bare))
        )
        failed = 0
        for name, target in (("frontend", frontend_at), ("backend", backend_at)):
            ours, hello, ratio = compare(target / "version", bare_at / "version", rounds, PER_ROUND, 8)
            print(ours.row(f"{name} `/version`"), hello.row("bare Flask hello"), sep="\n")
            print(f"ratio {ratio:.2f} (wanted: 0.9)", flush=True)
            failed += ours.failed + hello.failed
        ours, other, ratio = compare(frontend_at / "passthrough", new_at / "passthrough", rounds, PER_ROUND, 8)
        print(ours.row("`/passthrough`"), other.row("`/passthrough`, new connections"), sep="\n")
        print(f"ratio {ratio:.2f}")
        for name in (frontend_name, backend_name):
            print(f"memory of {name}: {memory(name):.0f} MB (wanted: at most 120)", flush=True)
        return failed + ours.failed + other.failed


@contextmanager
def helper(*command: str) -> Iterator[None]:
    """A process that says "ready", ended afterwards."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n", command
        yield
    finally:
        process.terminate()
        process.wait()


def bench_far(frontend: str, backend: str, rounds: int) -> int:
    """The backend and the name server a network away, as in another availability zone; few clients, so that
    waiting shows. Returns the failed requests.
    """
    common = {"NAME": "bench", "VERSION": "0.0.1"}
    with ExitStack() as stack:
        add = stack.enter_context
        for_backend = {**common, "PORT": "5001", "DBCONNECTIONSTRING": "host=127.0.0.1 port=1"}
        back = add(container(backend, "far-backend", for_backend, network="none"))
        api = {**common, "API": f"http://{FAR_NAME}:5001", "PYTHONPATH": "/bench"}
        front = add(container(frontend, "far-frontend", {**api, "PORT": "5000"}, "--dns", FAR_BACKEND, network="none"))
        # The second frontend lives beside the first, on the same link.
        same = f"container:{front}"
        new_front = add(container(frontend, "far-new", {**api, "PORT": "5002"}, network=same, command=NEW_CONNECTIONS))
        inside, there = (images.inspect(name)["State"]["Pid"] for name in (front, back))
        python, package = sys.executable, "tests.bench.apps"
        ends = (str(inside), FAR_FRONTEND, str(there), FAR_BACKEND)
        add(helper(python, "-m", f"{package}.far_link", *ends, str(ONE_WAY_MS)))
        enter = ("nsenter", f"--net=/proc/{there}/ns/net")
        add(helper(*enter, python, "-m", f"{package}.names", FAR_BACKEND, FAR_BACKEND))
        kept = Target(front, "http://127.0.0.1:5000/passthrough", inside)
        new = Target(new_front, "http://127.0.0.1:5002/passthrough", inside)
        for target in (kept, new):
            curl = ["nsenter", f"--net=/proc/{inside}/ns/net", "curl", "-sf", "-m", "5", target.url]
            wait_for(partial(_succeeds, curl), f"{target.url} to answer", 30)
        failed = 0
        for clients in (1, 4):
            ours, other, ratio = compare(kept, new, rounds, 1_000, clients)
            print(ours.row(f"`/passthrough`, {2 * ONE_WAY_MS:g} ms away, {clients} at once"))
            print(other.row("the same, new connections"))
            print(f"ratio {ratio:.2f} (wanted: 2)", flush=True)
            failed += ours.failed + other.failed
        return failed


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.apps", description="Benchmark the applications.")
    parser.add_argument(
        "--rounds", type=int, default=20, help=f"rounds of each comparison ({PER_ROUND:,} requests each)"
    )
    rounds = parser.parse_args().rounds
    # Ended from outside, it still cleans up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    frontend, backend = (images.build(which, f"{PREFIX}/{which}") for which in ("frontend", "backend"))
    server = Postgres(Path(tempfile.mkdtemp(prefix="apps-bench-")))
    try:
        columns = ("what", "requests/s", "p50 ms", "p99 ms", "CPU µs a request", "sent", "failed")
        print(f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|", sep="\n")
        failed = bench_near(frontend, backend, server.dsn(), rounds) + bench_far(frontend, backend, rounds)
    finally:
        server.remove()
        images.docker("rmi", "--force", frontend, backend)
    print(f"{failed} requests failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
