"""Roll out releases that go wrong, under load, and check that each ends as it must.

Runs where the environment's AWS is: `localcloud exec -- python -m tests.releases.gauntlet -i inventory/local`.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import boto3

from .broken import RELEASES, Release
from .load import Load
from .receipt import Receipt

ROOT = Path(__file__).resolve().parents[2]
LEAST_REQUESTS = 10_000


class Environment:
    """A deployed environment, reached by the AWS settings of this process."""

    def __init__(self, inventory: str, prefix: str, extra: list[str]) -> None:
        self.inventory, self.extra = inventory, extra
        (balancer,) = boto3.client("elbv2").describe_load_balancers(Names=[f"{prefix}-public"])["LoadBalancers"]
        self.url = f"http://{balancer['DNSName']}/passthrough"
        self.releases_path = f"/{prefix.replace('-', '/', 1)}/release"

    def playbook(self, name: str, variables: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, "-i", self.inventory, f"playbooks/{name}.yml", *self.extra, "-e", json.dumps(variables)]
        return subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )

    def last_record(self) -> dict[str, Any]:
        pages = boto3.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=self.releases_path)
        values = [parameter for page in pages for parameter in page["Parameters"] if parameter["Name"][-1].isdigit()]
        return json.loads(max(values, key=lambda parameter: parameter["Name"])["Value"])

    def versions(self) -> Counter[str]:
        """What twenty visitors are told."""
        load = Load(self.url, rate=20, workers=1)
        load.start()
        time.sleep(1.2)
        load.stop()
        return Counter(answer.version or answer.error for answer in load.answers)


def roll(
    environment: Environment, release: Release, folder: Path
) -> tuple[subprocess.CompletedProcess[str], Receipt, float]:
    """Deploy one release under load: (how the run ended, what visitors saw, seconds of the run)."""
    apps = folder / release.name
    shutil.copytree(ROOT / "apps", apps, ignore=shutil.ignore_patterns("venv", "__pycache__"))
    release.edit(apps)
    load = Load(environment.url, rate=150, workers=8)
    load.start()
    began = time.monotonic()
    contexts = {tier: str(apps / tier) for tier in ("frontend", "backend")}
    done = environment.playbook("deploy", {"app_version": release.name, "images_contexts": contexts})
    seconds = time.monotonic() - began
    deadline = time.monotonic() + 300
    while len(load.answers) < LEAST_REQUESTS and time.monotonic() < deadline:
        time.sleep(0.2)
    load.stop()
    return done, Receipt(release.name, [asdict(answer) for answer in load.answers]), seconds


def judge(
    environment: Environment, release: Release, status: int, output: str, receipt: Receipt, before: str
) -> list[str]:
    """What is not as declared, in words."""
    wrong = []
    good = release.ends == "deployed"
    if (status == 0) is not good:
        wrong.append(f"the run ended with status {status}")
    if release.says not in output:
        wrong.append(f"the run does not say {release.says!r}")
    record = environment.last_record()
    begun = release.ends != "not begun"
    if ((record["version"], record["result"]) == (release.name, release.ends)) is not begun:
        wrong.append(f"the record says {record['version']} {record['result']}")
    if receipt.failed and not release.loses:
        wrong.append(f"{len(receipt.failed)} requests failed, the first: {receipt.failed[0]}")
    if len(receipt.answers) < LEAST_REQUESTS:
        wrong.append(f"only {len(receipt.answers)} requests were made")
    now = environment.versions()
    if set(now) != {release.name if good else before}:
        wrong.append(f"visitors are told {dict(now)}")
    return wrong


def choose(only: list[str], sample: int) -> list[Release]:
    """The good release first, then those that were asked for, or a sample that differs from day to day."""
    first, *rest = RELEASES
    if only:
        rest = [release for release in rest if release.name in only]
    elif sample:
        print(f"a sample of {sample}, seed {date.today().isoformat()}")
        rest = random.Random(date.today().isoformat()).sample(rest, sample)
    return [first, *rest]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-i", "--inventory", default="inventory/local")
    parser.add_argument("--prefix", default="tandem-local", help="first part of the environment's names")
    parser.add_argument("--only", nargs="*", default=[], choices=[release.name for release in RELEASES[1:]])
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("-e", "--extra", action="append", default=[], help="passed on to ansible-playbook")
    parser.add_argument("--reports", type=Path, default=ROOT / "reports" / "gauntlet")
    options = parser.parse_args()
    options.reports.mkdir(parents=True, exist_ok=True)
    extra = [part for value in options.extra for part in ("-e", value)]
    environment = Environment(options.inventory, options.prefix, extra)
    wrong_all, before = 0, ""
    with tempfile.TemporaryDirectory() as folder:
        for release in choose(options.only, options.sample):
            done, receipt, seconds = roll(environment, release, Path(folder))
            (options.reports / f"{release.name}.log").write_text(done.stdout)
            (options.reports / f"{release.name}.svg").write_text(receipt.svg())
            wrong = judge(environment, release, done.returncode, done.stdout, receipt, before)
            print(f"{'WRONG' if wrong else 'ok   '} {release.name}: {release.ends} in {seconds:.0f} s")
            print(f"      {receipt.text()}", *(f"      ! {line}" for line in wrong), sep="\n", flush=True)
            wrong_all += bool(wrong)
            before = release.name if release.ends == "deployed" and not wrong else before
    return 1 if wrong_all else 0


if __name__ == "__main__":
    sys.exit(main())
