"""What the judges are given, and what they give back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

# The judgement's sections, in the order in which a reader wants them.
SECTIONS = {
    "challenge": "The challenge, sentence by sentence",
    "isolation": "Isolation",
    "database": "Database",
    "hosts": "Hosts",
    "containers": "Containers",
}


@dataclass(frozen=True)
class Evidence:
    """One look: a command that shows the same to a person, the answer, the time (ISO 8601, UTC), milliseconds."""

    command: str
    answer: str
    at: str = ""
    ms: float | None = None


@dataclass(frozen=True)
class Claim:
    """One promise. It holds when there is no problem; each problem names what, what was wanted and what was seen."""

    id: str
    section: str
    text: str
    seen: str
    problems: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class Observation:
    """Everything that was looked at.

    wanted: frontend_count, backend_count, app_version, frontend_port, backend_port, admin_cidr, access_matrix,
        db_master_username, name_prefix, host_ports.
    found: the result of the module `survey`, and what verify_plan adds to it: `volumes` ({instance name:
        [{id, encrypted}]}), `interfaces` ([{id, description, owner, groups}], owner: a short name, empty for nothing
        known), `listener_rules` ([{balancer, port, rule}]).
    hosts: host name -> {probe: result of verify_probe, host: of verify_host, database: of verify_database};
        a missing or failed one is {failed: message}.
    operator: result of verify_probe on the operator's machine.
    """

    wanted: Json
    found: Json
    hosts: dict[str, Json] = field(default_factory=dict)
    operator: Json = field(default_factory=dict)

    def names(self, tier: str) -> list[str]:
        """The hosts that a tier is to have."""
        return [f"{tier}-{number}" for number in range(1, int(self.wanted[f"{tier}_count"]) + 1)]

    def port(self, tier: str) -> int:
        """The port of a tier's application."""
        return int(self.wanted[f"{tier}_port"])

    def instances(self, tier: str | None = None) -> dict[str, Json]:
        """The instances that there are, of one tier or of all."""
        items: dict[str, Json] = self.found["instances"]
        return {name: item for name, item in items.items() if tier in (None, item["tier"])}

    def asked(self, source: str, question: str) -> list[Json]:
        """Replies to a question that a host (or `operator`) put; none where it could not."""
        result = self.operator if source == "operator" else self.hosts.get(source, {}).get("probe", {})
        return next((item["replies"] for item in result.get("asked", []) if item["id"] == question), [])

    def url(self, source: str, question: str) -> str:
        result = self.operator if source == "operator" else self.hosts.get(source, {}).get("probe", {})
        return next((item["url"] for item in result.get("asked", []) if item["id"] == question), question)

    def unseen(self, *parts: str, tier: str | None = None) -> list[str]:
        """Problems: wanted hosts of which a part (probe, host, database) could not be looked at."""
        problems = []
        for name in [n for t in ("frontend", "backend") if tier in (None, t) for n in self.names(t)]:
            looked = self.hosts.get(name)
            if looked is None:
                problems.append(f"{name} could not be looked at: it is not in the inventory")
                continue
            reasons = dict.fromkeys(
                str(looked.get(p, {}).get("failed", "")) for p in parts if "at" not in looked.get(p, {})
            )
            problems += [f"{name} could not be looked at: {reason or 'no answer'}" for reason in list(reasons)[:1]]
        return problems

    def looked_at(self, part: str, tier: str) -> list[str]:
        """The wanted hosts of a tier of which a part (probe, host, database) came back."""
        return [name for name in self.names(tier) if "at" in self.hosts.get(name, {}).get(part, {})]

    def seen_names(self, tier: str) -> list[str]:
        """The wanted hosts of a tier whose probes came back."""
        return self.looked_at("probe", tier)

    def time(self, source: str, part: str = "probe") -> str:
        """When a host (or `operator`) was looked at."""
        result = self.operator if source == "operator" else self.hosts.get(source, {}).get(part, {})
        return str(result.get("at", ""))


def listed(items: Any) -> str:
    """Items as an enumeration; a word for none."""
    return ", ".join(str(item) for item in items) or "none"
