"""`python -m tests.runner [--torture] [--only NAME …] [--fail-fast] [--list]`: what `make test` runs."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from localcloud.testing import docker_held
from tests.support.sample import today

from .machine import MachineError, prepare, prepare_local_cloud
from .steps import ROOT, Step, steps

REPORTS = ROOT / "reports" / "test"
BEGAN = time.monotonic()
HEARTBEAT_SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    name: str
    seconds: float
    passed: int
    failed: int


def main() -> int:
    arguments = read_arguments()
    chosen = [step for step in steps(arguments.torture) if not arguments.only or step.name in arguments.only]
    if arguments.list:
        for step in chosen:
            print(f"{step.name:<22} {step.what}")
        return 0
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda caught, _: sys.exit(128 + caught))
    seed = os.environ["SEED"] = today()
    os.environ["TANDEM_TORTURE"] = "1" if arguments.torture else ""
    os.environ["PATH"] = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"
    REPORTS.mkdir(parents=True, exist_ok=True)
    say(f"seed of the samples: {seed} (the same again: SEED={seed} make test)")
    with ExitStack() as machine:
        outcomes = [timed("prepare", lambda: prepared(chosen, machine))]
        if not outcomes[0].failed:
            for number, step in enumerate(chosen, 1):
                say(f"[{number}/{len(chosen)}] {step.name}: {step.what}")
                outcomes.append(run(step))
                if outcomes[-1].failed and arguments.fail_fast:
                    break
    return summary(outcomes)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.runner", description=__doc__)
    parser.add_argument("--torture", action="store_true", help="all mutants, kills and broken releases, not a sample")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="only these steps, for example lint fast roles"
    )
    parser.add_argument("--fail-fast", action="store_true", help="end with the first step that fails")
    parser.add_argument("--list", action="store_true", help="list the steps")
    return parser.parse_args()


def prepared(chosen: list[Step], machine: ExitStack) -> tuple[int, int]:
    """Make the machine ready, until `machine` is closed. Counts as a failure where it cannot be."""
    try:
        prepare(say)
        if any(step.name not in ("lint", "fast", "api") for step in chosen):
            prepare_local_cloud(say)
            machine.enter_context(docker_held("tandem-tests", say))
    except MachineError as error:
        print(error, flush=True)
        return 0, 1
    return 1, 0


def timed(name: str, work) -> Outcome:  # type: ignore[no-untyped-def]
    began = time.monotonic()
    passed, failed = work()
    return Outcome(name, time.monotonic() - began, passed, failed)


def run(step: Step) -> Outcome:
    """Run a step, its output on the terminal and in a file; end it with everything it started when it takes too long."""
    log = REPORTS / f"{step.name}.log"
    junit = log.with_suffix(".xml")
    junit.unlink(missing_ok=True)
    command = [*step.command, *([f"--junitxml={junit}"] if step.results == "junit" else [])]
    outcome = timed(step.name, lambda: counted(step, execute(command, log, step), junit))
    if outcome.failed and step.results == "one":
        print(*log.read_text(errors="replace").splitlines()[-80:], sep="\n", flush=True)
    verdict = f"{outcome.failed} FAILED" if outcome.failed else "ok"
    say(f"{step.name}: {verdict}, {outcome.passed} passed, {outcome.seconds:.0f} s (log: {log.relative_to(ROOT)})")
    return outcome


def execute(command: list[str], log: Path, step: Step) -> int:
    environment = {**os.environ, **dict(step.environment), "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        late = threading.Timer(step.limit * 60, end, (process,))
        late.start()
        try:
            relay(process, file, show=step.results == "junit", name=step.name)
            return process.wait()
        except BaseException:
            end(process)
            raise
        finally:
            late.cancel()


def relay(process: subprocess.Popen[bytes], file, *, show: bool, name: str) -> None:  # type: ignore[no-untyped-def]
    """Copy the output to the file, and to the terminal as well or a sign of life every minute instead."""
    assert process.stdout is not None
    last = time.monotonic()
    while chunk := process.stdout.read1(65536):  # type: ignore[attr-defined]
        file.write(chunk)
        file.flush()
        if show:
            sys.stdout.buffer.write(chunk)
            sys.stdout.flush()
        elif time.monotonic() - last > HEARTBEAT_SECONDS:
            last = time.monotonic()
            say(f"{name} goes on")


def end(process: subprocess.Popen[bytes]) -> None:
    """End the step and what it started: politely, and after ten seconds for good."""
    for kind, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, kind)
            process.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def counted(step: Step, status: int, junit: Path) -> tuple[int, int]:
    """Passed and failed. A step that ends badly without naming a failed test is one failure."""
    if step.results == "junit" and junit.exists():
        suites = list(ET.parse(junit).getroot().iter("testsuite"))  # noqa: S314
        total, skipped = (sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "skipped"))
        failed = sum(int(suite.get(key, 0)) for suite in suites for key in ("failures", "errors"))
        return total - failed - skipped, failed or int(status not in (0, 5))
    return (0, 1) if status else (1, 0)


def summary(outcomes: list[Outcome]) -> int:
    passed, failed = sum(o.passed for o in outcomes), sum(o.failed for o in outcomes)
    print(f"\n{'step':<22} {'passed':>7} {'failed':>7} {'time':>8}")
    for outcome in outcomes:
        print(f"{outcome.name:<22} {outcome.passed:>7} {outcome.failed:>7} {minutes(outcome.seconds):>8}")
    print(f"{'all':<22} {passed:>7} {failed:>7} {minutes(time.monotonic() - BEGAN):>8}\n")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def minutes(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02}"


def say(message: str) -> None:
    print(f"-- {minutes(time.monotonic() - BEGAN)} {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
