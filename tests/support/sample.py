"""A sample of what takes too long to be done in full: another one each day, and the same again for the same seed."""

from __future__ import annotations

import datetime
import random
from collections.abc import Sequence


def today() -> str:
    """The seed that nobody has to give."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def sampled[Item](what: str, items: Sequence[Item], number: int, seed: str) -> list[Item]:
    """So many of the items, picked by the seed alone, and said on standard output; all of them for 0. what: in the plural."""
    if not 0 < number < len(items):
        return list(items)
    print(f"a sample of {number} of {len(items)} {what}; the same again: --seed {seed}")
    return random.Random(seed).sample(list(items), number)
