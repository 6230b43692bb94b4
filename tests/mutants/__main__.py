"""The runner: `python -m tests.mutants -i inventory/local [--sample N] [--seed DATE] [--only TEXT] [--list]`."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.mutants import ALL, Mutant, balancers, containers, database, hosts, network
from tests.mutants.deployment import Deployment, DeploymentError
from tests.support.sample import sampled, today

FILES = (network, balancers, hosts, containers, database)
console = Console(highlight=False)


def main() -> int:
    arguments = read_arguments()
    if arguments.list:
        print("\n".join(f"{mutant.name}\n    {mutant.expects}" for mutant in choose(arguments)))
        return 0
    if not os.environ.get("AWS_ENDPOINT_URL") and not arguments.insist:
        print("This breaks the deployment on purpose, and no local cloud is named (AWS_ENDPOINT_URL). If you mean this")
        print("AWS account, say --insist; for the local cloud: localcloud exec -- python -m tests.mutants")
        return 2
    chosen = choose(arguments)
    if not chosen:
        print(f"no mutant's name matches {arguments.only!r}; there are: {', '.join(m.name for m in ALL)}")
        return 2
    deployment = Deployment(arguments.inventory, arguments.extra)
    if before := problems_of(deployment):
        print("The deployment is not as promised before any mutant:\n  " + "\n  ".join(before))
        return 1
    rows = []
    for number, mutant in enumerate(chosen, 1):
        rows.append(row := try_mutant(deployment, mutant))
        console.print(f"{number:>2}/{len(chosen)}  {row['verdict']:<9} {mutant.name}  [dim]{row['seconds']} s[/]")
    after = problems_of(deployment)
    show(rows)
    if after:
        print("The deployment is not as promised after the mutants:\n  " + "\n  ".join(after))
    survivors = [row["name"] for row in rows if row["verdict"] != "killed"]
    print(f"{len(rows) - len(survivors)} of {len(rows)} mutants killed" + (f"; not: {survivors}" if survivors else ""))
    return 1 if survivors or after else 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("-i", "--inventory", default="inventory/local")
    parser.add_argument("-e", dest="variables", action="append", default=[], help="variables for the playbooks")
    parser.add_argument(
        "--sample", type=int, default=0, help="how many of the mutants, picked by the seed; default: all"
    )
    parser.add_argument("--seed", default=today(), help="default: the date")
    parser.add_argument("--only", default="", help="only mutants whose name matches this regular expression")
    parser.add_argument("--list", action="store_true", help="show mutants and expected messages, and end")
    parser.add_argument("--insist", action="store_true", help="break a deployment that is not on a local cloud")
    arguments = parser.parse_args()
    arguments.extra = [word for variable in arguments.variables for word in ("-e", variable)]
    return arguments


def choose(arguments: argparse.Namespace) -> list[Mutant]:
    """The mutants to run. What is picked depends on the seed alone."""
    chosen = [mutant for mutant in ALL if re.search(arguments.only, mutant.name)]
    return sampled("mutants", chosen, arguments.sample, arguments.seed)


def problems_of(deployment: Deployment) -> list[str]:
    """Run the whole verification: what differs. Raises DeploymentError when it ends without a judgement."""
    with tempfile.TemporaryDirectory() as folder:
        done = deployment.playbook("playbooks/verify.yml", "-e", f"verify_report_dir={folder}", check=False)
        report = Path(folder) / "verify.json"
        if not report.exists():
            raise DeploymentError(f"the verification ended without a report: {done.stdout[-3000:]}")
        problems: list[str] = json.loads(report.read_text())["problems"]
    if bool(done.returncode) != bool(problems):
        raise DeploymentError(f"the verification ended with {done.returncode}, with {len(problems)} problems")
    return problems


def try_mutant(deployment: Deployment, mutant: Mutant) -> dict[str, str]:
    """Break, verify, undo: what came of it."""
    began, problems = time.monotonic(), list[str]()
    failure: BaseException | None = None
    try:
        with mutant.breaks(deployment):
            # Nothing may reach the mutant, not even an interruption: what stands after its yield is the undo.
            try:
                problems = problems_of(deployment)
            except BaseException as error:
                failure = error
        deployment.settle()
    except Exception as error:  # breaking and undoing can fail in any way
        failure = error
    if isinstance(failure, KeyboardInterrupt | SystemExit):
        raise failure
    named = [problem for problem in problems if re.search(mutant.expects, problem)]
    if failure:
        verdict, named = "failed", [f"{type(failure).__name__}: {failure}"]
    else:
        verdict = "killed" if named else "unnamed" if problems else "survived"
    seconds = f"{time.monotonic() - began:.0f}"
    said = named[0] if named else (problems or ["everything is as promised"])[0]
    return {"name": mutant.name, "verdict": verdict, "said": said, "count": str(len(problems)), "seconds": seconds}


def show(rows: list[dict[str, str]]) -> None:
    table = Table(title="Mutants", title_justify="left", title_style="bold")
    for column in ("mutant", "", "named by the verification as", "differs", "s"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(row["name"], row["verdict"], row["said"], row["count"], row["seconds"])
    Console(width=150 if not console.is_terminal else None).print(table)


if __name__ == "__main__":
    sys.exit(main())
