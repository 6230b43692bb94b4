"""SIGKILL a roll-out, under load: the fleet serves, and the same command again ends with one version and no lock.

It ends on the version that the fleet has had: by a rollback, under load too, where the last roll-out was to another one.

Runs where the environment's AWS is: `localcloud exec -- python -m tests.releases.kills -i inventory/local`.
"""

from __future__ import annotations

import random
import sys
import time

from tests.support.watched import Run, Strike, kill_after

from .fleet import Fleet
from .load import loaded
from .options import Options, read_options
from .receipt import Receipt

LEAST_REQUESTS = 5_000
# Ten places in a roll-out: a task, and which time it begins.
PLACES = (
    ("Take the lock", 1),
    ("Write the record", 1),
    ("Write the container's settings", 1),
    ("Run the migrations, then create the application's user", 1),
    ("Take the host out of the load balancer and wait until it is drained", 1),
    ("Start the container", 1),
    ("Wait until the container can do its work", 2),
    ("Take the host into the load balancer and wait until it is healthy", 3),
    ("Watch the container", 1),
    ("Record the result", 1),
)


def kill(seed: str, place: tuple[str, int]) -> Strike:
    """Ends the run some moments after it has begun the task."""
    return Strike(*place, kill_after(random.Random(f"{seed} {place}").random()))


def attempt(fleet: Fleet, version: str, place: tuple[str, int], options: Options) -> list[str]:
    """Kill a roll-out of a version, and run it again: what is wrong after, in words."""
    variables = {"app_version": version}
    with loaded(f"{fleet.url}/passthrough", options.requests) as load:
        killed = fleet.watched("playbooks/deploy.yml", variables, kill(options.seed, place))
        again = fleet.watched("playbooks/deploy.yml", variables)
    title = f"killed at {place[0]!r} ({place[1]}) after {killed.seconds:.0f} s, one version {again.seconds:.0f} s later"
    wrong = [] if killed.status else ["the run was not killed"]
    return tell(Receipt(title, load.noted()), again, wrong + fleet.differs(version))


def go_back(fleet: Fleet, version: str, options: Options) -> list[str]:
    """Roll the last release back, to a version: what is wrong after, in words."""
    with loaded(f"{fleet.url}/passthrough", options.requests) as load:
        run = fleet.watched("playbooks/rollback.yml", {})
    return tell(Receipt(f"rolled back in {run.seconds:.0f} s", load.noted()), run, fleet.differs(version))


def tell(receipt: Receipt, last: Run, wrong: list[str]) -> list[str]:
    """Say what was done and what visitors saw. Returns what is wrong, the end of the last run and lost requests included."""
    if last.status:
        wrong.append(f"the last run ended with status {last.status}\n{last.output[-3000:]}")
    if receipt.failed:
        wrong.append(f"{len(receipt.failed)} requests failed, the first: {receipt.failed[0]}")
    print(f"{'WRONG' if wrong else 'ok   '} {receipt.text()}", flush=True)
    print(*(f"      ! {line}\n" for line in wrong), sep="", end="", flush=True)
    return wrong


def main() -> int:
    options = read_options(__doc__, "kills", [name for name, _ in PLACES], LEAST_REQUESTS)
    places = options.chosen("places", {place[0]: place for place in PLACES})
    fleet = Fleet(options.inventory, options.extra)
    own = str(fleet.variables["app_version"])
    if fleet.differs(own):
        fleet.watched("playbooks/deploy.yml", {}).must_succeed()
    # Turn by turn another version and the environment's own.
    other = f"{own}-kill-{time.strftime('%H%M%S', time.gmtime())}"
    versions = [own if number % 2 else f"{other}-{number}" for number in range(len(places))]
    wrong = [attempt(fleet, version, place, options) for version, place in zip(versions, places, strict=True)]
    if versions[-1] != own:
        wrong.append(go_back(fleet, own, options))
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
