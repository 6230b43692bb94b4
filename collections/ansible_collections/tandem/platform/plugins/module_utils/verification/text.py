"""The judgement as text for a terminal: the claims by section, and the probed matrix as a grid."""

from __future__ import annotations

from collections.abc import Sequence

from .access import Cell
from .model import SECTIONS, Claim

WIDTH = 132
MARKS = {"open": "●", "closed": "·", "own": "○"}
DIFFERS = "✖"
LEGEND = "● open as allowed   · closed as wanted   ○ its own host   ✖ differs"


def render(title: str, claims: Sequence[Claim], cells: Sequence[Cell]) -> str:
    """Everything that a person wants to see, at most WIDTH columns where names are of ordinary length."""
    lines, width = [title, ""], max(len(claim.text) for claim in claims)
    for section, heading in SECTIONS.items():
        lines += [heading.upper(), *_claims([claim for claim in claims if claim.section == section], width), ""]
        if section == "isolation":
            lines += [*grid(cells), ""]
    return "\n".join([*lines, verdict(claims, cells)])


def verdict(claims: Sequence[Claim], cells: Sequence[Cell]) -> str:
    """The result in a sentence."""
    broken = [claim for claim in claims if not claim.ok]
    counted = f"{len(claims)} claims checked, {sum(cell.wanted != 'own' for cell in cells)} connections tried"
    if not broken:
        return f"✔ Everything is as promised: {counted}."
    return f"✖ {len(broken)} of {len(claims)} claims do not hold: {counted}."


def _claims(claims: Sequence[Claim], width: int) -> list[str]:
    lines = []
    for claim in claims:
        room = max(20, WIDTH - width - 7)
        seen = claim.seen if len(claim.seen) <= room else claim.seen[: room - 1] + "…"
        lines.append(f"  {'✔' if claim.ok else DIFFERS} {claim.text:<{width}}   {seen}".rstrip())
        lines += [f"      {problem}" for problem in claim.problems]
    return lines


def columns(cells: Sequence[Cell]) -> dict[str, list[int]]:
    """The destinations and their ports, in the order of the probes."""
    found: dict[str, list[int]] = {}
    for cell in cells:
        ports = found.setdefault(cell.destination, [])
        if cell.port not in ports:
            ports.append(cell.port)
    return found


def grid(cells: Sequence[Cell]) -> list[str]:
    """A line a source, a mark a destination and port."""
    if not cells:
        return ["  no connection was tried"]
    across = columns(cells)
    marks = {(c.source, c.destination, c.port): MARKS[c.wanted] if c.ok else DIFFERS for c in cells}
    sources = list(dict.fromkeys(cell.source for cell in cells))
    first = max(map(len, sources)) + 2
    names, ports, rows = " " * first, " " * first, {source: f"{source:<{first}}" for source in sources}
    for destination, numbers in across.items():
        widths = [len(str(number)) + 1 for number in numbers]
        total = max(sum(widths), len(destination) + 1) + 1
        names += f"{destination:<{total}}"
        ports += f"{''.join(f'{number:<{width}}' for number, width in zip(numbers, widths, strict=True)):<{total}}"
        for source in sources:
            line = "".join(
                f"{marks.get((source, destination, number), ' '):<{width}}"
                for number, width in zip(numbers, widths, strict=True)
            )
            rows[source] += f"{line:<{total}}"
    return [f"  {line}".rstrip() for line in (names, ports, *rows.values(), "", LEGEND)]
