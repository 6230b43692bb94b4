"""What a release does, on which hosts, in which order: decided from what they run, the records and what is wanted.

Nothing is read or changed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Record = Mapping[str, Any]
Specification = Mapping[str, Any]  # what files.yml writes to a host: a container's settings
NOTHING: Mapping[str, Any] = {"up": False, "release": 0, "version": "", "config": ""}
TIERS = ("backend", "frontend")


@dataclass(frozen=True)
class Host:
    """A host, and what a look at it found.

    running: its container (None: it could not be looked at). second: whether a container stands beside it. target: ID of its
    target; second_target: that of the second container. kept: settings of the releases that it can go back to, images: IDs of
    those of their images that it has (a rollback asks). config: hash of what it should run. failure: why it could not be
    looked at again.
    """

    name: str
    tier: str
    running: Mapping[str, Any] | None = None
    second: bool = False
    target: str = ""
    second_target: str = ""
    kept: Sequence[Specification] = ()
    images: Sequence[str] = ()
    config: str = ""
    failure: str = ""

    @property
    def runs(self) -> Mapping[str, Any]:
        return self.running or NOTHING

    def newest(self, numbers: Iterable[int]) -> Specification:
        """Settings of the newest of some releases that the host keeps; empty if it keeps none."""
        wanted = set(numbers)
        return max((one for one in self.kept if one["release"] in wanted), key=lambda one: one["release"], default={})


@dataclass(frozen=True)
class History:
    """What release_facts returns of an environment."""

    releases: Sequence[Record] = ()
    current: int = 0
    previous: int = 0
    lineages: Mapping[str, Sequence[int]] = field(default_factory=dict)
    lock: Mapping[str, str] = field(default_factory=dict)
    lost: Sequence[int] = ()
    taken: Sequence[int] = ()
    targets: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    @property
    def numbers(self) -> list[int]:
        return [record["number"] for record in self.releases]

    @property
    def last(self) -> Record:
        return self.releases[-1] if self.releases else {"number": 0, "release": 0, "action": "", "result": ""}

    @property
    def is_half_done(self) -> bool:
        return self.last["result"] in ("rolling", "interrupted")

    @property
    def is_unfinished(self) -> bool:
        """A run that was killed leaves its record open or its lock behind, even where every host is as it should be."""
        return bool(self.lock) or any(record["result"] == "rolling" for record in self.releases)

    @property
    def good(self) -> list[int]:
        """Releases that can be gone back to."""
        return [one["number"] for one in self.releases if (one["action"], one["result"]) == ("deploy", "deployed")]

    @property
    def rolls_back(self) -> bool:
        """Whether a rollback was killed. One killed after it wrote its result but before it freed the lock is among them."""
        purpose = f"rollback to {self.last['release']}"
        return self.last["action"] == "rollback" and (
            self.is_half_done or (self.last["result"] == "deployed" and self.lock.get("purpose") == purpose)
        )

    def before(self) -> int:
        """What a rollback goes back to (0: nothing). A rollback that was killed is finished, a roll-out is undone."""
        if self.rolls_back:
            return int(self.last["release"])
        return self.current if self.is_half_done else self.previous

    def lineage(self, number: int) -> Sequence[int]:
        return self.lineages.get(str(number), [])

    def state(self, host: Host, target: str) -> str:
        return str(self.targets.get(host.tier, {}).get(target, {}).get("state", ""))

    def is_left_beside(self, host: Host) -> bool:
        """Whether a killed run has left a second container on a host."""
        return host.second or host.second_target in self.targets.get(host.tier, {})

    def unrecorded(self, hosts: Iterable[Host]) -> list[int]:
        """Numbers whose records were lost: between the others, and of what runs."""
        running = {host.runs["release"] for host in hosts} - {0, *self.numbers, *self.taken}
        return sorted({*self.lost, *running})


@dataclass(frozen=True)
class Wanted:
    """to: the release that a rollback was told to go to (0: the one before). chosen: what it chose before it had the lock."""

    action: str = "deploy"
    version: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    to: int = 0
    chosen: int = 0
    batch: str = ""
    surge: bool = False
    keeps: int = 5
    check: bool = False


@dataclass(frozen=True)
class Plan:
    """problem: why there is none, in words. kind: new, resume (of a run that was killed) or repair (of what is recorded).

    number: of the release (0: it gets a new one). record: number of the record that goes on. fallback: the release to return
    to. fields: what the record says. batch: hosts of a tier that change at a time. changes: hosts that do. hosts: of each what is
    done (none, admit or replace) and, of a rollback, the settings that it goes back to. plays: the hosts of each play of
    roll.yml; none where there is nothing to do. good: releases that worked, lineage: those that led
    to the current one.
    """

    problem: str = ""
    action: str = "deploy"
    kind: str = "new"
    number: int = 0
    record: int = 0
    fallback: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)
    batch: str = "1"
    work: bool = False
    changes: Sequence[str] = ()
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plays: Mapping[str, Sequence[str]] = field(default_factory=dict)
    good: Sequence[int] = ()
    lineage: Sequence[int] = ()


def change(host: Host, history: History, config: str) -> str:
    """What brings a host to what is wanted: none, admit or replace."""
    if not host.runs["up"] or host.runs["config"] != config:
        return "replace"
    healthy = history.state(host, host.target) == "healthy"
    return "none" if healthy and not history.is_left_beside(host) else "admit"


def plan(hosts: Sequence[Host], history: History, wanted: Wanted) -> Plan:
    """What has to be done; Plan.problem says why nothing may be."""
    unseen = [host.name for host in hosts if host.running is None]
    if failures := [host.failure for host in hosts if host.failure]:
        return Plan(problem=f"{'; '.join(failures)}. Nothing has been changed.")
    if unseen:
        return Plan(
            problem=f"{', '.join(unseen)} cannot be reached or looked at (see above), and a release goes to all hosts or to "
            "none. Nothing has been changed. Repair the host, or terminate it and run site.yml, which makes a new one."
        )
    release = forward(hosts, history, wanted) if wanted.action == "deploy" else back(hosts, history, wanted)
    if release.problem:
        return release
    specs = {host.name: release.hosts.get(host.name, {}) for host in hosts}
    steps = {host.name: change(host, history, specs[host.name].get("config", host.config)) for host in hosts}
    changes = [name for name, step in steps.items() if step != "none"]
    work = not wanted.check and (bool(changes) or history.is_unfinished)
    batch = wanted.batch or ("1" if any(host.runs["up"] for host in hosts) else "100%")
    return Plan(
        problem="" if wanted.surge else whole_tier(hosts, changes, batch),
        action=wanted.action,
        kind=release.kind,
        number=release.number,
        record=history.last["number"] if release.kind == "resume" else 0,
        fallback=release.fallback,
        fields=release.fields,
        batch=batch,
        work=work,
        changes=changes,
        hosts={name: {"do": step, "spec": specs[name]} for name, step in steps.items()},
        plays=plays(hosts, steps, wanted.action) if work else {},
        good=history.good,
        lineage=history.lineage(history.current),
    )


def plays(hosts: Sequence[Host], steps: Mapping[str, str], action: str) -> dict[str, list[str]]:
    """A release goes to the backends first, because frontends get ready by them, and is taken back in the other order."""
    everyone = [host.name for host in hosts]
    backends, frontends = ([host.name for host in hosts if host.tier == tier] for tier in TIERS)
    found = {"look": everyone, "open": ["localhost"], "watch": everyone, "conclude": ["localhost"]}
    if action == "rollback":
        found |= {"sick": backends, "first": frontends, "second": backends}
        return found | {"back_first": backends, "back_second": frontends}
    return found | {
        "stage": [name for name in everyone if steps[name] == "replace"],
        "migrate": backends[:1],
        "first": backends,
        "second": frontends,
        "prune": everyone,
        "back_sick": backends,
        "back_first": frontends,
        "back_second": backends,
    }


def forward(hosts: Sequence[Host], history: History, wanted: Wanted) -> Plan:
    """Which release a roll-out is: what the last record says already is a repair of it, or goes on under its number."""
    inputs = hashlib.sha256("".join(sorted(host.config for host in hosts)).encode()).hexdigest()
    same = history.last.get("inputs") == inputs
    kind = "new"
    if same and (history.is_half_done or history.last["result"] == "deployed"):
        kind = "resume" if history.is_half_done else "repair"
    return Plan(
        kind=kind,
        number=0 if kind == "new" else history.last["number"],
        fallback=0 if kind == "repair" else history.current,
        fields={"action": "deploy", "version": wanted.version, "inputs": inputs, "images": wanted.images},
    )


def back(hosts: Sequence[Host], history: History, wanted: Wanted) -> Plan:
    """Which release a rollback goes to, and with which settings on each host; or why it cannot."""
    number = wanted.to or history.before()
    if problem := refusal(number, history, wanted):
        return Plan(problem=problem)
    specs = {host.name: host.newest(history.lineage(number)) for host in hosts}
    again = "Deploy that version again: playbooks/deploy.yml -e app_version=…"
    if lacking := [name for name, spec in specs.items() if not spec]:
        return Plan(
            problem=f"{', '.join(lacking)}: no release up to {number} is kept there, so it cannot be gone back to (a host keeps "
            f"the last {wanted.keeps}). {again}"
        )
    if bare := [host.name for host in hosts if specs[host.name].get("image_id") not in host.images]:
        return Plan(problem=f"{', '.join(bare)}: the image of release {number} is not there any more. {again}")
    record = next(record for record in history.releases if record["number"] == number)
    repairs = history.last["result"] == "deployed" and number == history.current
    resumes = history.rolls_back and number == history.last["release"]
    return Plan(
        kind="repair" if repairs else "resume" if resumes else "new",
        number=number,
        fallback=history.current,
        fields={"action": "rollback", "release": number, "version": record["version"], "images": record["images"]},
        hosts=specs,
    )


def refusal(number: int, history: History, wanted: Wanted) -> str:
    """Why a release cannot be gone back to."""
    if wanted.chosen and wanted.chosen != number:
        return (
            f"release {wanted.chosen} was to be gone back to, and somebody else has just made {history.current} the current "
            "one. Nothing has been changed. See `make releases`, and run this command again if it is still wanted."
        )
    if number not in history.good:
        what = (
            f"release_to={wanted.to}" if wanted.to
            else f"release {number} has no record any more" if number
            else "there is no release before the current one"
        )  # fmt: skip
        return (
            f"{what}: the current release is {history.current}; want a release that was deployed, one of: "
            f"{', '.join(map(str, history.good)) or 'none'}. `make releases` shows them."
        )
    unknown = [record["number"] for record in history.releases if record["result"] == "unknown"]
    doubtful = [str(lost) for lost in unknown if number < lost < history.current]
    if doubtful and not wanted.to:
        return (
            f"release {number} was before {history.current}, but the record of {', '.join(doubtful)} was lost: that may have "
            f"been a rollback from {number}, so whether it was good is not known. Nothing has been changed. To go there, name "
            f"it: -e release_to={number}. `make releases` shows all."
        )
    return ""


def whole_tier(hosts: Sequence[Host], changes: Sequence[str], batch: str) -> str:
    """Why a batch is too large: where something runs, somebody has to go on serving."""
    for tier in TIERS:
        there = [host for host in hosts if host.tier == tier]
        size = int(batch[:-1]) * len(there) // 100 if batch.endswith("%") else int(batch)
        serves = any(host.runs["up"] for host in there)
        if 1 < len(there) <= size and serves and any(host.name in changes for host in there):
            return (
                f"release_batch={batch}: all {len(there)} hosts of tier {tier} would be taken out at once, and nobody would "
                "serve. Want fewer at a time, for example -e release_batch=1, or release_surge. Nothing has been changed."
            )
    return ""


@dataclass(frozen=True)
class Run:
    """What a run did to a host so far. had: the release that it found there (None: it has not touched the host)."""

    action: str
    number: int
    fallback: int
    step: str
    had: int | None = None


def way_back(host: Host, history: History, run: Run) -> dict[str, Any]:
    """How a host goes back when a release has failed: do (replace, admit, judge or nothing) and spec.

    It goes back to what this run found there, unless a run that was killed had left it; else to the release that the fleet
    had, or one that led to it. What runs and was not touched stays, whatever the records say. judge: there is nothing to go
    back to, so this release's container stays where it serves and goes where it does not.
    """
    found = host.runs["release"] if run.had is None else run.had
    # Numbers count up. What has no record is trusted: records can be lost.
    is_leftover = found == run.number or (found > run.fallback and found in history.numbers)
    own = run.had and not is_leftover and host.newest([run.had])
    spec = own or host.newest(history.lineage(run.fallback))
    # A rollback that was killed has left what it wanted.
    is_old = not is_leftover if run.action == "deploy" else run.step == "replace"
    is_untouched = host.runs["up"] and run.had is None and is_old
    if spec:
        differs = not host.runs["up"] or host.runs["config"] != spec["config"]
        return {"do": "replace" if differs and not is_untouched else "admit", "spec": spec}
    if run.had is not None and host.runs["release"] == run.number:
        return {"do": "judge", "spec": {}}
    return {"do": "admit" if host.runs["up"] else "nothing", "spec": {}}
