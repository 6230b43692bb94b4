"""The command line that everything of this folder that acts on a running environment has."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass

from tests.support.sample import sampled, today


@dataclass(frozen=True)
class Options:
    """extra: what is passed on to ansible-playbook. requests: how many are made at least during each roll-out."""

    inventory: str
    extra: list[str]
    only: list[str]
    sample: int
    seed: str
    requests: int

    def chosen[Item](self, what: str, items: dict[str, Item]) -> list[Item]:
        """Of the items by their names: all, those that were asked for, or a sample that depends on the seed alone."""
        wanted = [item for name, item in items.items() if not self.only or name in self.only]
        return sampled(what, wanted, self.sample, self.seed)


def read_options(text: str | None, name: str, choices: list[str], requests: int) -> Options:
    """choices: what --only may name. Ends the program where this is not a local cloud and nobody insists."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.releases.{name}", description=text)
    parser.add_argument("-i", "--inventory", default="inventory/local")
    parser.add_argument("-e", dest="variables", action="append", default=[], help="variables for the playbooks")
    parser.add_argument("--requests", type=int, default=requests, help="how many to make at least in each roll-out")
    parser.add_argument("--insist", action="store_true", help="do it to an environment that is not on a local cloud")
    if choices:
        parser.add_argument("--only", nargs="*", default=[], choices=choices)
        parser.add_argument("--sample", type=int, default=0, help="how many, picked by the seed; default: all")
        parser.add_argument("--seed", default=today(), help="default: the date")
    given = parser.parse_args()
    if not os.environ.get("AWS_ENDPOINT_URL") and not given.insist:
        print("This breaks the deployment on purpose, and no local cloud is named (AWS_ENDPOINT_URL). If you mean this")
        print(f"AWS account, say --insist; for the local cloud: localcloud exec -- {parser.prog}")
        sys.exit(2)
    return Options(
        given.inventory,
        [word for variable in given.variables for word in ("-e", variable)],
        getattr(given, "only", []),
        getattr(given, "sample", 0),
        getattr(given, "seed", ""),
        given.requests,
    )
