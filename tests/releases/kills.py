"""SIGKILL a roll-out, under load: the fleet serves, and the same command again ends with one version and no lock.

Runs where the environment's AWS is: `localcloud exec -- python -m tests.releases.kills -i inventory/local`.
"""

from __future__ import annotations

import random
import sys

from tests.support.watched import Strike, kill_after

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
    receipt = Receipt(f"{place[0]} ({place[1]})", load.noted())
    wrong = fleet.differs(version)
    if killed.status == 0:
        wrong.append("the run was not killed")
    if again.status:
        wrong.append(f"the second run ended with status {again.status}\n{again.output[-3000:]}")
    if receipt.failed:
        wrong.append(f"{len(receipt.failed)} requests failed, the first: {receipt.failed[0]}")
    print(f"{'WRONG' if wrong else 'ok   '} killed at {place[0]!r} ({place[1]}) after {killed.seconds:.0f} s")
    print(f"      one version {again.seconds:.0f} s later; {receipt.text()}", flush=True)
    print(*(f"      ! {line}\n" for line in wrong), sep="", end="", flush=True)
    return wrong


def main() -> int:
    options = read_options(__doc__, "kills", [name for name, _ in PLACES], LEAST_REQUESTS)
    places = options.chosen("places", {place[0]: place for place in PLACES})
    fleet = Fleet(options.inventory, options.extra)
    # Turn by turn another version and the environment's own, which is the last.
    own = str(fleet.variables["app_version"])
    versions = [own if (len(places) - number) % 2 else f"{own}-kill-{number}" for number in range(len(places))]
    told = {answer.partition(" ")[2] for answer in fleet.versions()}
    if told == {versions[0]}:
        fleet.watched("playbooks/deploy.yml", {"app_version": f"{own}-kill"}).must_succeed()
    wrong = [attempt(fleet, version, place, options) for version, place in zip(versions, places, strict=True)]
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
