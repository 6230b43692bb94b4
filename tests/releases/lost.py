"""Lose the environment's parameters under load: site.yml brings them back, and no request is lost.

Runs where the environment's AWS is: `localcloud exec -- python -m tests.releases.lost -i inventory/local`.
"""

from __future__ import annotations

import sys

from .fleet import Fleet
from .load import loaded
from .options import Options, read_options
from .receipt import Receipt
from .repair import LOCK, containers, written

LEAST_REQUESTS = 2_000
OPENS = """
import os, psycopg2
from psycopg2.extensions import make_dsn
psycopg2.connect(make_dsn(os.environ["DBCONNECTIONSTRING"], user=input(), password=input())).close()
"""


def parameters(fleet: Fleet) -> set[str]:
    """Names of the environment's parameters below its path."""
    path = str(fleet.variables["parameter_path"])
    pages = fleet.ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
    return {parameter["Name"].removeprefix(f"{path}/") for page in pages for parameter in page["Parameters"]}


def lose(fleet: Fleet, names: set[str]) -> None:
    for name in names:
        fleet.ssm.delete_parameter(Name=f"{fleet.variables['parameter_path']}/{name}")


def shut(fleet: Fleet) -> list[str]:
    """In words: which of the database's users the kept passwords do not let in."""
    users = {"database/master-password": str(fleet.variables["db_master_username"]), "database/app-password": "backend"}
    wrong = []
    for name, user in users.items():
        program = ["docker", "exec", "-i", fleet.application("backend-1"), "python", "-c", OPENS]
        try:
            fleet.run("backend-1", *program, text=f"{user}\n{fleet.secret(name)}\n")
        except Exception as error:
            wrong.append(f"{name} does not let {user} in: {error}")
    return wrong


def attempt(fleet: Fleet, title: str, names: set[str], options: Options) -> list[str]:
    """Lose these, and run site.yml twice: what is wrong after, in words."""
    before, all_before = containers(fleet), parameters(fleet)
    with loaded(f"{fleet.url}/passthrough", options.requests) as load:
        lose(fleet, names)
        run = fleet.watched("site.yml", {})
        journal = len(written())
        again = fleet.watched("site.yml", {})
    receipt = Receipt(f"lost: {title}; back after {run.seconds:.0f} s", load.noted())
    wrong = [f"{len(receipt.failed)} requests failed, the first: {receipt.failed[0]}"] if receipt.failed else []
    for which, done in (("first", run), ("second", again)):
        if done.status:
            wrong.append(f"the {which} site.yml ended with status {done.status}\n{done.output[-4000:]}")
    if run.status:
        return report(receipt, wrong)
    if containers(fleet) != before:
        wrong.append("containers changed that were well")
    if missing := sorted(all_before - parameters(fleet)):
        wrong.append(f"not brought back: {', '.join(missing)}")
    if silent := sorted(name for name in names if name not in run.output):
        wrong.append(f"not announced: {', '.join(silent)}")
    if more := sorted(set(written()[journal:]) - LOCK):
        wrong.append(f"the second site.yml wrote {', '.join(more)}")
    return report(receipt, wrong + fleet.differs(str(fleet.variables["app_version"])) + shut(fleet))


def report(receipt: Receipt, wrong: list[str]) -> list[str]:
    print(f"{'WRONG' if wrong else 'ok   '} {receipt.text()}", flush=True)
    print(*(f"      ! {line}\n" for line in wrong), sep="", end="", flush=True)
    return wrong


def main() -> int:
    options = read_options(__doc__, "lost", ["all together", "one by one"], LEAST_REQUESTS)
    fleet = Fleet(options.inventory, options.extra)
    names = parameters(fleet) - {"release/lock"}
    losses = {"all together": [names], "one by one": [{name} for name in sorted(names)]}
    wrong = [
        attempt(fleet, ", ".join(sorted(lost)) if len(lost) == 1 else "all parameters", lost, options)
        for chosen in options.chosen("losses", losses)
        for lost in chosen
    ]
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
