"""A sample of what takes too long to be done in full: another one each day, and the same again for the same seed."""

from __future__ import annotations

import datetime
import os
import random
from collections.abc import Sequence


def in_full() -> bool:
    """Whether everything is tried (`make torture`) instead of a sample."""
    return bool(os.environ.get("TANDEM_TORTURE"))


def today() -> str:
    """The seed: the environment's, or one that nobody has to give."""
    return os.environ.get("SEED") or datetime.datetime.now(datetime.UTC).date().isoformat()


def of_the_day[Item](items: Sequence[Item], number: int) -> list[Item]:
    """So many of the items, in their order: another choice each day, and the same in all processes. In torture all."""
    if in_full():
        return list(items)
    return [items[place] for place in sorted(random.Random(today()).sample(range(len(items)), number))]


def sampled[Item](what: str, items: Sequence[Item], number: int, seed: str) -> list[Item]:
    """So many of the items, picked by the seed alone, and said on standard output; all of them for 0. what: in the plural."""
    if not 0 < number < len(items):
        return list(items)
    print(f"a sample of {number} of {len(items)} {what}; the same again: --seed {seed}")
    return random.Random(seed).sample(list(items), number)
