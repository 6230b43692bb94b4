"""SIGKILL a playbook some moments after it has begun a task, and run it again: it ends as if nothing had happened."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.support.cloud import Cloud
from tests.support.watched import Strike, kill_after, watch
from tests.whole.shape import SHAPE, shape

# Ten places in a cold run: a task, and which time it begins.
PLACES = (
    ("Create the subnets", 1),
    ("Start the database", 1),
    ("Start the load balancers", 1),
    ("Launch the hosts", 1),
    ("Fetch the SSH key and the hosts' keys", 1),
    ("Install the packages", 1),
    ("Build the images that no host has", 1),
    ("Run the migrations, then create the application's user", 1),
    ("Take the host into the load balancer and wait until it is healthy", 2),
    ("Record the result", 1),
)
# A teardown's time is spent in this task: it is killed at ten moments of it, these seconds apart.
DELETION = "Delete everything, first of all what takes AWS longest"
APART = 0.8


@dataclass(frozen=True)
class Kill:
    """seconds: from the beginning of the place's task; deletion_seconds: from that of a teardown's deletion."""

    place: tuple[str, int]
    seconds: float
    deletion_seconds: float


def chosen_kills(seed: str, torture: bool) -> list[Kill]:
    """One a place of a cold run and a moment of a teardown, or the day's one of both."""
    dice = random.Random(seed)
    numbers = list(range(len(PLACES)))
    dice.shuffle(numbers)
    every = [Kill(place, dice.random(), (number + 0.5) * APART) for place, number in zip(PLACES, numbers, strict=True)]
    return every if torture else [dice.choice(every)]


def deploy_killed(cloud: Cloud, before: set[str], kill: Kill) -> None:
    """Deploy by a run that is killed and another that finishes it, and expect everything to be there once."""
    assert run_and_kill(cloud, Strike(*kill.place, kill_after(kill.seconds)), "site.yml"), "the run was not killed"
    again = cloud.playbook("site.yml").must_succeed()
    print(f"site.yml killed at {kill.place}, converged in {again.seconds:.0f} s", flush=True)
    assert shape(cloud.listing() - before) == SHAPE


def delete_killed(cloud: Cloud, before: set[str], kill: Kill) -> None:
    """Tear down by a run that is killed and another that finishes it, and expect nothing to be left."""
    teardown = ("playbooks/teardown.yml", "-e", f"confirm={cloud.prefix}", "-e", "teardown_final_snapshot=false")
    running = run_and_kill(cloud, Strike(DELETION, 1, kill_after(kill.deletion_seconds)), *teardown)
    again = cloud.playbook(*teardown).must_succeed()
    moment = f"{kill.deletion_seconds:.1f} s into its deletion" if running else "too late"
    print(f"teardown killed {moment}, nothing left after {again.seconds:.0f} s", flush=True)
    assert cloud.listing() == before


def run_and_kill(cloud: Cloud, strike: Strike, playbook: str, *options: str) -> bool:
    """Run a playbook, and kill it with everything that it started. Returns whether it was still running then."""
    command = cloud.command("exec", "--", *cloud.playbook_command(playbook, *options))
    return watch(command, cloud.environment, strike).status < 0
