"""Roll out releases that go wrong, under load, and check that each ends as it must.

Runs where the environment's AWS is: `localcloud exec -- python -m tests.releases.gauntlet -i inventory/local`.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.support.watched import Run

from .broken import RELEASES, Release
from .fleet import ROOT, Fleet
from .load import loaded
from .options import Options, read_options
from .receipt import Receipt

LEAST_REQUESTS = 10_000


def variables_of(release: Release, folder: Path) -> dict[str, Any]:
    """Variables that deploy a copy of the applications, with the release's change."""
    apps = folder / release.name
    if not apps.exists():
        shutil.copytree(ROOT / "apps", apps, ignore=shutil.ignore_patterns("venv", "__pycache__"))
        release.edit(apps)
    prefix = {"images_prefix": release.prefix} if release.prefix else {}
    return {"app_version": release.name, "images_context": str(apps), **prefix}


def judge(fleet: Fleet, release: Release, run: Run, receipt: Receipt, least: int) -> list[str]:
    """What is not as declared, in words."""
    wrong = []
    good = release.ends == "deployed"
    if (run.status == 0) is not good:
        wrong.append(f"the run ended with status {run.status}")
    if release.says not in run.output:
        wrong.append(f"the run does not say {release.says!r}")
    record = fleet.records()[-1]
    begun = release.ends != "not begun"
    if ((record["version"], record["result"]) == (release.name, release.ends)) is not begun:
        wrong.append(f"the record says {record['version']} {record['result']}")
    if receipt.failed and not release.loses:
        wrong.append(f"{len(receipt.failed)} requests failed, the first: {receipt.failed[0]}")
    if len(receipt.answers) < least:
        wrong.append(f"only {len(receipt.answers)} of {least} requests were made")
    return wrong


def attempt(fleet: Fleet, release: Release, folder: Path, before: dict[str, Any], options: Options) -> list[str]:
    """Deploy one release under load: what is wrong after, in words. before: variables of what the fleet runs."""
    strike = release.strike(fleet) if release.strike else None
    with loaded(f"{fleet.url}/passthrough", options.requests) as load:
        run = fleet.watched("playbooks/deploy.yml", variables_of(release, folder), strike)
    receipt = Receipt(release.name, load.noted())
    reports = fleet.reports("gauntlet")
    (reports / f"{release.name}.log").write_text(run.output)
    (reports / f"{release.name}.svg").write_text(receipt.svg())
    wrong = judge(fleet, release, run, receipt, options.requests)
    stays = release.name if release.ends == "deployed" and not release.later else before["app_version"]
    if release.later:
        release.later(fleet)
        back = fleet.watched("playbooks/rollback.yml", {})
        (reports / f"{release.name}-back.log").write_text(back.output)
        if back.status:
            wrong.append(f"rollback.yml ended with status {back.status}")
    if release.mends:
        mended = fleet.watched("site.yml", before)
        (reports / f"{release.name}-mended.log").write_text(mended.output)
        if mended.status:
            wrong.append(f"site.yml ended with status {mended.status}")
    wrong += fleet.differs(stays)
    print(f"{'WRONG' if wrong else 'ok   '} {release.name}: {release.ends} in {run.seconds:.0f} s")
    print(f"      {receipt.text()}", *(f"      ! {line}" for line in wrong), sep="\n", flush=True)
    return wrong


def main() -> int:
    options = read_options(__doc__, "gauntlet", [release.name for release in RELEASES], LEAST_REQUESTS)
    fleet = Fleet(options.inventory, options.extra)
    wrong_all, before = 0, {"app_version": str(fleet.variables["app_version"])}
    if wrong := fleet.differs(before["app_version"]):
        print("The fleet is not as site.yml leaves it: " + "; ".join(wrong))
        return 1
    with tempfile.TemporaryDirectory() as folder:
        for release in options.chosen("releases", {release.name: release for release in RELEASES}):
            wrong = attempt(fleet, release, Path(folder), before, options)
            wrong_all += bool(wrong)
            if release.ends == "deployed" and not release.later and not wrong:
                before = variables_of(release, Path(folder))
    return 1 if wrong_all else 0


if __name__ == "__main__":
    sys.exit(main())
