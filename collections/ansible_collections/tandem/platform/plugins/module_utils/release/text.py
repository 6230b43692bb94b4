"""What operators read of releases: the table of them, the state of the fleet, and how a run that failed has left it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.tandem.platform.plugins.module_utils.release.plan import History, Host, change
from ansible_collections.tandem.platform.plugins.module_utils.release.records import TIME

Malformed = Sequence[Mapping[str, str]]
RELEASE = "{:>6}{:1} {:<10} {:<{width}}  {:<12} {:<20} {:>6}  {:<22} {}"
HOST = "{:<12} {:<{width}} {:>7}  {:<12}  {:<11} {:<10} {}"
UNSEEN = "cannot be reached"


def releases(history: History, malformed: Malformed) -> str:
    """The records as a table, newest first."""
    width = max(len(version) for version in ("version", *(record["version"] for record in history.releases)))
    heads = ("number", "", "what", "version", "result", "started (UTC)", "took", "by", "images")
    wanted = [record["number"] for record in history.releases if record["result"] == "deployed"][-1:]
    lines = [RELEASE.format(*heads, width=width)]
    for record in reversed(history.releases):
        cells = (
            record["number"],
            "*" if record["number"] in wanted else "",
            "deploy" if record["action"] == "deploy" else f"back to {record['release']}",
            record["version"],
            record["result"],
            clock(record["started"]),
            took(record),
            record["who"] + (" (rebuilt)" if record.get("rebuilt") else ""),
            " ".join(image.partition("/")[2] or image for _tier, image in sorted(record["images"].items())),
        )
        lines.append(RELEASE.format(*cells, width=width).rstrip())
        if reason := " ".join(record.get("reason", "").splitlines()):
            lines.append(f"        {reason if len(reason) <= 150 else reason[:147] + '...'}")
    lock = history.lock
    held = f" Locked by {lock['who']} since {lock['since']}: {lock['purpose']}" if lock else ""
    lines += [] if history.releases else ["No release yet."]
    return "\n".join([*lines, f"* what the fleet should run.{held}", *warnings(malformed, history.lost)])


def took(record: Mapping[str, Any]) -> str:
    if not record["started"] or not record.get("finished"):
        return "-"
    began, ended = (datetime.strptime(record[key], TIME) for key in ("started", "finished"))
    return f"{(ended - began).total_seconds():.0f} s"


def clock(moment: str) -> str:
    return moment[:19].replace("T", " ")


def warnings(malformed: Malformed, lost: Sequence[int]) -> list[str]:
    numbers = ", ".join(map(str, sorted(lost)))
    rebuilds = f"! lost: the records of releases {numbers}. site.yml rebuilds them from what the hosts run and keep."
    return [*(f"! {item['words']}" for item in malformed), *([rebuilds] if lost else [])]


def status(
    hosts: Sequence[Host],
    history: History,
    malformed: Malformed,
    database: Mapping[str, Any],
    counts: Mapping[str, int],
) -> str:
    """What runs where, and what differs from what is wanted."""
    seen = [host for host in hosts if host.running is not None]
    changes = [host.name for host in seen if change(host, history, host.config) != "none"]
    width = max(len(version) for version in (UNSEEN, *(host.runs["version"] for host in seen)))
    heads = ("host", "version", "release", "image", "container", "target", "up since (UTC)")
    lines = [HOST.format(*heads, width=width)]
    for host in hosts:
        target = history.state(host, host.target) or "missing"
        if host.running is None:
            lines.append(f"{host.name:<12} {UNSEEN:<{width}} target: {target}")
            continue
        runs, image = host.running, host.running["image"].removeprefix("sha256:")[:12]
        cells = (
            host.name,
            runs["version"] or "-",
            runs["release"] or "-",
            image or "-",
            runs["health"] or "none",
            target,
        )
        differs = "   <- differs from what is wanted" if host.name in changes else ""
        lines.append(HOST.format(*cells, clock(runs["started"]), width=width) + differs)
    lines += [] if hosts else ["No host yet. Deploy with site.yml."]
    address = f"  {database['host']}:{database['port']}" if database.get("host") else ""
    before = f" (before it: {history.previous})" if history.previous else ""
    lines += ["", f"database     {database.get('status', 'none')}{address}"]
    lines += [f"release      {history.current or 'none yet'}{before}"]
    if lock := history.lock:
        lines.append(f"locked by    {lock['who']} since {lock['since']}: {lock['purpose']}")
    for tier in sorted({host.tier for host in seen}):
        if len({host.runs["image"] for host in seen if host.tier == tier}) > 1:
            lines.append(f"! the {tier}s do not all run the same image")
    for tier, wanted in counts.items() if hosts else ():
        there = sum(host.tier == tier for host in hosts)
        if there != wanted:
            lines.append(f"! {there} {tier}s, wanted {wanted}. site.yml brings that about.")
    if changes:
        lines.append(f"! not as wanted: {', '.join(changes)}. playbooks/deploy.yml brings them there.")
    return "\n".join([*lines, *warnings(malformed, history.unrecorded(seen))])


def ending(
    hosts: Sequence[Host],
    history: History | None,
    failures: Sequence[Mapping[str, Any]],
    lost: Mapping[str, str],
    release: str,
) -> str:
    """What went wrong on which host, and what each runs now. history: None where it could not be read again."""
    lines = []
    for failure in failures:
        lines.append(f"{failure['host']}: {failure['step']}: {failure['reason']}")
        if failure["state"]:
            lines += [f"  container: {failure['state']}", f"  {failure['answer']}"]
            lines += [f"  | {line}" for line in failure["logs"]]
    lines.append(f"The fleet now ({release}):")
    for host in hosts:
        runs = "out of sight"
        if host.running is not None:
            up = host.running["up"]
            runs = f"release {host.running['release']} ({host.running['version']})" if up else "nothing runs"
        target = (history.targets.get(host.tier, {}) if history else {}).get(host.target, {})
        state = target.get("state", "not registered" if history and host.tier in history.targets else "unknown")
        reason = f" ({target['reason']})" if target.get("reason") else ""
        missed = f"; NOT RESTORED: {lost[host.name]}" if host.name in lost else ""
        lines.append(f"  {host.name:<14} {runs}; load balancer: {state}{reason}{missed}")
    return "\n".join(lines)
