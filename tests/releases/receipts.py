"""What visitors see of a roll-out, of a rollback and of a failed roll-out, and where the time of each goes.

Runs where the environment's AWS is (`make receipts`), and writes reports/<env_name>/receipts.html and receipts.json.
The fleet ends on the release that it had.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from tests.support.watched import Run

from .broken import Release, frontend_crashes_at_boot, good
from .capacity import Capacity
from .fleet import ROOT, Fleet
from .gauntlet import LEAST_REQUESTS, variables_of
from .load import loaded
from .options import read_options
from .receipt import Receipt
from .timing import STEPS, Timing

STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:960px;margin:2em auto;padding:0 1em}table{border-collapse:collapse;margin:1em 0}"
    "td,th{padding:.2em .8em;border-bottom:1px solid #ddd;text-align:right}td:first-child,th:first-child{text-align:left}"
)


def roll_out(fleet: Fleet, folder: Path, version: str) -> Run:
    return fleet.watched("playbooks/deploy.yml", variables_of(Release(version, good, "deployed"), folder))


def roll_back(fleet: Fleet, folder: Path, version: str) -> Run:
    return fleet.watched("playbooks/rollback.yml", {})


def fail(fleet: Fleet, folder: Path, version: str) -> Run:
    """Both backends are changed before the first frontend fails: half of the fleet has to go back."""
    broken = Release(f"{version}-broken", frontend_crashes_at_boot, "rolled back")
    return fleet.watched("playbooks/deploy.yml", variables_of(broken, folder))


# Title, what is done, whether it ends well.
PARTS = (
    ("A roll-out over the whole fleet", roll_out, True),
    ("Its rollback", roll_back, True),
    ("A roll-out that fails on the first frontend, and goes back everywhere", fail, False),
)


def main() -> int:
    options = read_options(__doc__, "receipts", [], LEAST_REQUESTS)
    fleet = Fleet(options.inventory, options.extra)
    version = time.strftime("receipt-%H%M%S", time.gmtime())
    parts, wrong = list[Part](), list[str]()
    surge = str(fleet.variables["release_surge"]).lower() == "true"
    with tempfile.TemporaryDirectory() as folder:
        for title, act, ends_well in PARTS:
            with Capacity(fleet) as capacity, loaded(f"{fleet.url}/passthrough", options.requests) as load:
                before = dict(capacity.least)
                run = act(fleet, Path(folder), version)
            part = Part(Receipt(title, load.noted()), Timing(run.lines), capacity, run)
            parts.append(part)
            receipt = part.receipt
            print(receipt.text(), f"  {capacity.text()}", part.timing.text(), sep="\n", flush=True)
            if surge and capacity.least != before:
                wrong.append(f"{title}: capacity was lost: {capacity.text()}, before it {before}")
            if (run.status == 0) is not ends_well:
                wrong.append(f"{title}: ended with status {run.status}\n{run.output[-3000:]}")
            if receipt.failed:
                wrong.append(f"{title}: {len(receipt.failed)} requests failed, the first: {receipt.failed[0]}")
            if len(receipt.answers) < options.requests:
                wrong.append(f"{title}: only {len(receipt.answers)} of {options.requests} requests were made")
    report = fleet.reports("") / "receipts.html"
    report.write_text(page(parts))
    report.with_suffix(".json").write_text(json.dumps([part.data() for part in parts], indent=2))
    print(f"the report: {report.relative_to(ROOT)}", *wrong, sep="\n! ")
    return 1 if wrong else 0


@dataclass(frozen=True)
class Part:
    """What was seen of one of the three."""

    receipt: Receipt
    timing: Timing
    capacity: Capacity
    run: Run

    def data(self) -> dict[str, Any]:
        p50, p99 = self.receipt.percentiles
        return {
            "title": self.receipt.title,
            "requests": len(self.receipt.answers),
            "failed": len(self.receipt.failed),
            "p50_ms": p50,
            "p99_ms": p99,
            "answers": self.receipt.sources(),
            "least_healthy": self.capacity.least,
            "seconds": round(self.run.seconds, 1),
            "plays": self.timing.plays(),
            "hosts": self.timing.hosts(),
        }

    def html(self) -> str:
        return (
            f"<h2>{escape(self.receipt.title)}: {self.run.seconds:.0f} s</h2>{self.receipt.svg()}"
            f"<p>Meanwhile {self.capacity.text()}.</p>{table(self.timing)}"
        )


def page(parts: list[Part]) -> str:
    body = "".join(part.html() for part in parts)
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[1]:.1f} in the last five minutes"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Receipts</title><style>{STYLE}</style>"
        f"<h1>What visitors saw of releases</h1><p>{when}; {machine}. The load asks <code>/passthrough</code> at the public "
        f"load balancer; a failed request would be a red line.</p>{body}</html>\n"
    )


def table(timing: Timing) -> str:
    """Seconds of each play, and of each host's steps."""
    plays = "".join(f"<tr><td>{escape(name)}<td>{seconds:.1f}" for name, seconds in timing.plays().items())
    columns = [step for step in STEPS.values() if any(step in steps for steps in timing.hosts().values())]
    head = "".join(f"<th>{step}" for step in columns)
    hosts = "".join(
        f"<tr><td>{escape(host)}" + "".join(f"<td>{steps.get(step, 0):.1f}" for step in columns)
        for host, steps in timing.hosts().items()
    )
    return f"<table><tr><th>host (seconds){head}{hosts}</table><table><tr><th>play<th>seconds{plays}</table>"


if __name__ == "__main__":
    sys.exit(main())
