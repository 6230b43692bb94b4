"""Judges a running deployment: compares what was seen with what was promised. Plain data in, plain data out."""

from __future__ import annotations

from . import challenge, containers, isolation, machines, picture, text
from .access import Cell, cells
from .model import Claim, Observation


def judge(observation: Observation) -> tuple[list[Claim], list[Cell]]:
    """Every claim, by section, and every probed cell of the access matrix."""
    probed = cells(observation)
    claims = [
        *challenge.judge(observation, probed),
        *isolation.judge(observation, probed),
        *machines.judge(observation),
        *containers.judge(observation),
    ]
    return claims, probed


__all__ = ["judge", "picture", "text"]
