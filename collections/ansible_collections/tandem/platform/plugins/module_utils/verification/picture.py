"""The topology as a picture (SVG), drawn from what an account holds: nothing in it is drawn by hand."""

from __future__ import annotations

from html import escape

from .access import balancer_tier
from .model import Json

# Layout, in pixels.
HOST_WIDTH, HOST_HEIGHT, GAP, MARGIN, COLUMN_PADDING = 220, 66, 16, 20, 18
BAND_GAP, BALANCER_HEIGHT, LABEL, MONO = 46, 66, 26, 6.65

STYLE = """
  svg { --ink: #1d2733; --soft: #5b6b7c; --line: #c6d0da; --paper: #ffffff; --zone: #f5f8fb; --accent: #0f766e;
        --frontend: #e0f2fe; --backend: #ede9fe; --data: #dcfce7; --edge: #fef3c7; --bad: #c0262d; }
  @media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --soft: #9aa9b8; --line: #3c4a58; --paper: #12181f;
        --zone: #18212a; --accent: #2dd4bf; --frontend: #12364c; --backend: #2c2350; --data: #12381f; --edge: #3d3414;
        --bad: #ff7b72; } }
  text { font: 13px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--ink); }
  .small { font-size: 11px; fill: var(--soft); } .name { font-weight: 600; } .bad { fill: var(--bad); }
  .mono { font: 11px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--soft); }
  .paper { fill: var(--paper); } .vpc { fill: none; stroke: var(--line); stroke-width: 1.5; }
  .zone { fill: var(--zone); stroke: var(--line); stroke-dasharray: 5 4; }
  .box { stroke: var(--line); } .frontend { fill: var(--frontend); } .backend { fill: var(--backend); }
  .data { fill: var(--data); } .edge { fill: var(--edge); }
  .wire { stroke: var(--accent); stroke-width: 1.6; fill: none; } .tip { fill: var(--accent); }
"""


class Canvas:
    """Collects SVG elements."""

    def __init__(self) -> None:
        self.elements: list[str] = []

    def box(self, x: float, y: float, width: float, height: float, kind: str, radius: int = 9) -> None:
        shape = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}"'
        self.elements.append(f'<rect {shape} class="{kind}"/>')

    def text(self, x: float, y: float, content: str, kind: str = "", anchor: str = "middle") -> None:
        place = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
        self.elements.append(f'<text {place} class="{kind}">{escape(content)}</text>')

    def arrow(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """A smooth line downwards, with a tip."""
        middle = (y1 + y2) / 2
        path = f"M{x1:g},{y1:g} C{x1:g},{middle:g} {x2:g},{middle:g} {x2:g},{y2 - 6:g}"
        self.elements.append(f'<path d="{path}" class="wire"/>')
        self.elements.append(f'<path d="M{x2 - 4:g},{y2 - 8:g} l4,8 l4,-8 z" class="tip"/>')


def draw(found: Json, wanted: Json) -> str:
    """The picture. found: the result of the module `survey`. wanted: its ports label the arrows.

    Raises nothing for a half-made environment: what is missing is not drawn.
    """
    zones = _zones(found)
    per_zone = {tier: _by_zone(found, tier, zones) for tier in ("frontend", "backend")}
    most = {tier: max([len(names) for names in by.values()] + [1]) for tier, by in per_zone.items()}
    across = min(2, max(most.values()))
    column = across * (HOST_WIDTH + GAP) - GAP + 2 * COLUMN_PADDING
    width = max(len(zones), 1) * (column + GAP) - GAP + 2 * (MARGIN + GAP)
    center, canvas = width / 2, Canvas()

    y: float = MARGIN
    canvas.box(center - 85, y, 170, 40, "box edge", 20)
    canvas.text(center, y + 25, "internet", "name")
    previous = [(center, y + 40.0)]
    top = y + 40 + BAND_GAP / 2
    y = top + LABEL + 18
    canvas.text(
        MARGIN + GAP, top + 22, f"VPC {found['vpc'].get('cidr', '')} · {found['vpc'].get('id', '')}", "small", "start"
    )

    ports = {"frontend": int(wanted["frontend_port"]), "backend": int(wanted["backend_port"])}
    for balancer, tier in (("public_alb", "frontend"), ("internal_alb", "backend")):
        previous, y = _balancer(canvas, found, balancer, previous, center, y, width)
        rows = -(-most[tier] // across)
        band = LABEL + rows * (HOST_HEIGHT + GAP) - GAP + COLUMN_PADDING
        y += BAND_GAP
        canvas.text(center, y - BAND_GAP / 2 + 12, f":{ports[tier]}", "mono")
        ends = _band(canvas, found, per_zone[tier], tier, y, band, column, across)
        for start in previous:
            for x, upper, _lower in ends:
                canvas.arrow(*start, x, upper)
        previous = [(x, lower) for x, _upper, lower in ends] or previous
        y += band + BAND_GAP
    y = _database(canvas, found, previous, center, y)
    canvas.box(MARGIN, top, width - 2 * MARGIN, y - top + MARGIN - 6, "vpc", 14)
    height = y + MARGIN * 2
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="Topology">'
    )
    paper = f'<rect width="{width:g}" height="{height:g}" class="paper"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", paper, *canvas.elements, "</svg>", ""])


def fitting(text: str, width: float) -> str:
    """A text of the fixed-width font, cut to fit into so many pixels."""
    most = int((width - 16) / MONO)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _zones(found: Json) -> list[str]:
    zones = {item["zone"] for kind in ("subnets", "instances") for item in found[kind].values()}
    return sorted(zones) or ["no zone"]


def _by_zone(found: Json, tier: str, zones: list[str]) -> dict[str, list[str]]:
    by: dict[str, list[str]] = {zone: [] for zone in zones}
    for name, item in found["instances"].items():
        if item["tier"] == tier:
            by[item["zone"]].append(name)
    return by


def _balancer(
    canvas: Canvas,
    found: Json,
    tier: str,
    previous: list[tuple[float, float]],
    center: float,
    y: float,
    width: float,
) -> tuple[list[tuple[float, float]], float]:
    """A load balancer across all zones: (where its arrows begin, its lower edge)."""
    item = next((b for name, b in found["load_balancers"].items() if balancer_tier(name) == tier), None)
    if item is None:
        return previous, y
    half = width / 2 - MARGIN - GAP
    canvas.box(center - half, y, 2 * half, BALANCER_HEIGHT, "box edge")
    canvas.text(center, y + 22, f"{tier.replace('_alb', '')} load balancer", "name")
    canvas.text(center, y + 38, fitting(item["dns_name"], 2 * half), "mono")
    canvas.text(center, y + 55, f"{item['scheme']} · {item['state']}", "small")
    for x, bottom in previous:
        canvas.arrow(x, bottom, center if len(previous) == 1 else x, y)
    canvas.text(center + 12, y - 8, ":80", "mono", "start")
    return [(center, y + BALANCER_HEIGHT)], y + BALANCER_HEIGHT


def _band(
    canvas: Canvas,
    found: Json,
    by_zone: dict[str, list[str]],
    tier: str,
    y: float,
    band: float,
    column: float,
    across: int,
) -> list[tuple[float, float, float]]:
    """A tier's hosts, a dashed box a zone. Where arrows come in and go out: (x, upper edge, lower edge).

    Of each host where they stand in one row, else of each zone.
    """
    hosts, zones = [], []
    for index, (zone, names) in enumerate(by_zone.items()):
        left = MARGIN + GAP + index * (column + GAP)
        canvas.box(left, y, column, band, "zone")
        subnets = sorted({found["instances"][name]["subnet"] for name in names})
        cidrs = [found["subnets"][name]["cidr"] for name in subnets if name in found["subnets"]]
        # Left and right of where an arrow comes in.
        canvas.text(left + 10, y + 17, zone, "small", "start")
        canvas.text(left + column - 10, y + 17, " ".join(cidrs), "small", "end")
        for number, name in enumerate(names):
            row, place = divmod(number, across)
            in_row = min(across, len(names) - row * across)
            start = left + (column - in_row * (HOST_WIDTH + GAP) + GAP) / 2
            x, top = start + place * (HOST_WIDTH + GAP), y + LABEL + row * (HOST_HEIGHT + GAP)
            _host(canvas, found, name, tier, x, top)
            hosts.append((x + HOST_WIDTH / 2, top, top + HOST_HEIGHT))
        if names:
            zones.append((left + column / 2, y, y + band))
    return hosts if max(map(len, by_zone.values())) <= across else zones


def _host(canvas: Canvas, found: Json, name: str, tier: str, x: float, y: float) -> None:
    item, group = found["instances"][name], found["target_groups"].get(tier, {"targets": {}})
    health = group["targets"].get(name, "not registered")
    middle = x + HOST_WIDTH / 2
    canvas.box(x, y, HOST_WIDTH, HOST_HEIGHT, f"box {tier}")
    canvas.text(middle, y + 20, name, "name")
    canvas.text(middle, y + 37, " · ".join(filter(None, [item["private_address"], item["public_address"]])), "mono")
    good = health == "healthy" and item["state"] == "running"
    state = health if item["state"] == "running" else item["state"]
    canvas.text(middle, y + 55, f"{'●' if good else '✖'} {state} · {item['type']}", "small" if good else "small bad")


def _database(canvas: Canvas, found: Json, previous: list[tuple[float, float]], center: float, y: float) -> float:
    """The database and the arrows to it: its lower edge."""
    item = found["database"]
    if not item:
        return y
    canvas.box(center - 245, y, 490, HOST_HEIGHT, "box data")
    canvas.text(center, y + 20, f"{item['id']} · PostgreSQL {item['engine_version']}", "name")
    canvas.text(center, y + 38, fitting(f"{item['endpoint']}:{item['port']}", 490), "mono")
    kept = "encrypted" if item["encrypted"] else "not encrypted"
    canvas.text(center, y + 55, f"{item['state']} · {kept} · {item['class']}", "small")
    for x, bottom in previous:
        canvas.arrow(x, bottom, center + max(-190, min(190, (x - center) / 2)), y)
    canvas.text(center, y - 12, f":{item['port']}", "mono")
    return y + HOST_HEIGHT
