"""Mutants: a running deployment is broken in one way at a time, and the verification must turn red and name the cause.

`python -m tests.mutants -i inventory/local` runs all of them, `--sample 3` three of them, picked by the day's date.
A mutant is a function with @mutant: what stands before its `yield` breaks the deployment, what follows undoes that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests.mutants.deployment import Deployment


@dataclass(frozen=True)
class Mutant:
    """expects: a regular expression that one of the verification's problems must match."""

    name: str
    expects: str
    breaks: Callable[[Deployment], AbstractContextManager[None]]


ALL: list[Mutant] = []


def mutant(name: str, expects: str) -> Callable[[Callable[[Deployment], Iterator[None]]], Mutant]:
    """Register a generator function as a mutant."""

    def register(function: Callable[[Deployment], Iterator[None]]) -> Mutant:
        made = Mutant(name, expects, contextmanager(function))
        ALL.append(made)
        return made

    return register
