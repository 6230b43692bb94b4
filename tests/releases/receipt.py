"""What the visitors saw: counts, percentiles, requests of each NAME and VERSION over time, as text and as a picture."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape
from statistics import quantiles
from typing import Any

COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#72b7b2", "#eeca3b", "#9d755d", "#bab0ac")
FAILED = "#d62728"
WIDTH, HEIGHT, MARGIN = 900, 220, 40


@dataclass(frozen=True)
class Receipt:
    """answers: as tests.releases.load notes them, at least one. Latencies in milliseconds."""

    title: str
    answers: list[dict[str, Any]]

    @property
    def failed(self) -> list[dict[str, Any]]:
        return [answer for answer in self.answers if answer["error"]]

    @property
    def percentiles(self) -> tuple[float, float]:
        """(p50, p99)"""
        cuts = quantiles([answer["latency"] for answer in self.answers] * 2, n=100)
        return cuts[49], cuts[98]

    @property
    def seconds(self) -> float:
        return max(answer["time"] for answer in self.answers)

    def sources(self) -> Counter[str]:
        """Answers by `NAME VERSION`."""
        return Counter(source(answer) for answer in self.answers if not answer["error"])

    def text(self) -> str:
        p50, p99 = self.percentiles
        lines = [
            f"{self.title}: {len(self.answers)} requests in {self.seconds:.0f} s, {len(self.failed)} failed, "
            f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
        ]
        lines += [f"  {count:6}  {name}" for name, count in sorted(self.sources().items())]
        lines += [
            f"  FAILED {count:5}  {error}" for error, count in Counter(a["error"] for a in self.failed).most_common(5)
        ]
        return "\n".join(lines)

    def svg(self) -> str:
        """Stacked requests a second by NAME and VERSION; a failed one is a red line from top to bottom."""
        names = sorted(self.sources())
        buckets: dict[int, Counter[str]] = {}
        for answer in self.answers:
            if not answer["error"]:
                buckets.setdefault(int(answer["time"]), Counter())[source(answer)] += 1
        peak = max((sum(bucket.values()) for bucket in buckets.values()), default=1)
        step = (WIDTH - 2 * MARGIN) / (int(self.seconds) + 1)
        scale = (HEIGHT - 2 * MARGIN) / peak
        shapes = []
        for second, bucket in sorted(buckets.items()):
            top = float(HEIGHT - MARGIN)
            for index, name in enumerate(names):
                height = bucket[name] * scale
                top -= height
                shapes.append(rectangle(MARGIN + second * step, top, step, height, COLOURS[index % len(COLOURS)]))
        shapes += [rectangle(MARGIN + a["time"] * step, MARGIN, 1, HEIGHT - 2 * MARGIN, FAILED) for a in self.failed]
        legend = "".join(
            f'<text x="{MARGIN + 150 * index}" y="{HEIGHT - 12}" fill="{COLOURS[index % len(COLOURS)]}">{escape(name)}</text>'
            for index, name in enumerate(names)
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
            f'<text x="{MARGIN}" y="24">{escape(self.text().splitlines()[0])}</text>{"".join(shapes)}{legend}</svg>\n'
        )


def source(answer: dict[str, Any]) -> str:
    return f"{answer['name']} {answer['version']}"


def rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" height="{height:.1f}" fill="{colour}"/>'
