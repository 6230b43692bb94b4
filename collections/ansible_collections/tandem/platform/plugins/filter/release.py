"""Decisions about releases, and what operators read of them: from Ansible's facts to module_utils/release and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from ansible_collections.tandem.platform.plugins.module_utils.release import text
from ansible_collections.tandem.platform.plugins.module_utils.release.plan import (
    History,
    Host,
    Run,
    Wanted,
    plan,
    way_back,
)
from ansible_collections.tandem.platform.plugins.module_utils.release.records import one_line, specifications

Facts = Mapping[str, Any]


def plain(value: Any) -> Any:
    """Ansible's own kinds of dictionaries and lists as Python's."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def host(name: str, facts: Facts) -> Host:
    """facts: a host's variables. release_seen is what look.yml found, empty where that is not known any more."""
    target = str(facts.get("release_target") or facts.get("aws_instance_id") or "")
    return Host(
        name=name,
        tier=facts.get("release_tier", ""),
        target=target,
        second_target=f"{target}:{facts.get('release_surge_port', 0)}",
        config=facts.get("release_config", ""),
        failure=facts.get("release_failure", {}).get("reason", ""),
        **plain(facts.get("release_seen") or {}),
    )


def release_seen(looks: Sequence[Facts], kept: Sequence[Facts], images: Sequence[str]) -> dict[str, Any]:
    """A host as look.yml found it. looks: what docker_container_info said of its container and of the one beside it."""
    first, second = [*looks, {}][:2]
    container = first.get("container") or {}
    labels, state = container.get("Config", {}).get("Labels") or {}, container.get("State", {})
    number = str(labels.get("release", ""))
    health = state.get("Health", {}).get("Status") if state.get("Running") else None
    return {
        "running": {
            "up": bool(state.get("Running")),
            "release": int(number) if number.isdecimal() else 0,
            "version": one_line(str(labels.get("version", ""))),
            "config": str(labels.get("config", "")),
            "image": container.get("Image", ""),
            "health": health or state.get("Status", ""),
            "started": state.get("StartedAt", ""),
        },
        "second": bool(second.get("exists")),
        "kept": plain(kept),
        "images": plain(images),
    }


def all_hosts(names: Iterable[str], hostvars: Mapping[str, Facts]) -> list[Host]:
    return [host(name, hostvars[name]) for name in names]


def history(state: Facts) -> History:
    """state: what release_facts returned."""
    names = {field.name for field in fields(History)}
    return History(**{key: plain(value) for key, value in state.items() if key in names})


def release_plan(names: Iterable[str], hostvars: Mapping[str, Facts], state: Facts, wanted: Facts) -> dict[str, Any]:
    """names: hosts, in the order in which they are named. wanted: fields of Wanted."""
    return asdict(plan(all_hosts(names, hostvars), history(state), Wanted(**plain(wanted))))


def release_way_back(name: str, hostvars: Mapping[str, Facts], state: Facts, number: int) -> dict[str, Any]:
    """What way_back says of a host. number: of the release that failed."""
    planned = hostvars["localhost"]["release_plan"]
    run = Run(
        action=planned["action"],
        number=number,
        fallback=planned["fallback"],
        step=planned["hosts"][name]["do"],
        had=hostvars[name].get("release_had"),
    )
    return plain(way_back(host(name, hostvars[name]), history(state), run))


def release_unrecorded(names: Iterable[str], hostvars: Mapping[str, Facts], state: Facts) -> list[str]:
    """Releases whose records were lost, as their parameters are named."""
    return [f"{number:06}" for number in history(state).unrecorded(all_hosts(names, hostvars))]


def release_table(state: Facts) -> str:
    return text.releases(history(state), state["malformed"])


def release_status(names: Iterable[str], hostvars: Mapping[str, Facts], state: Facts, counts: Facts) -> str:
    wanted = {tier: int(count) for tier, count in counts.items()}
    return text.status(all_hosts(names, hostvars), history(state), state["malformed"], state["database"], wanted)


def release_outcome(
    names: Iterable[str], hostvars: Mapping[str, Facts], state: Facts, planned: Facts, number: int
) -> dict[str, str]:
    """How a run ended: result and reason, as its record has them, and text. state: may be one that could not be read again."""
    names = list(names)
    failures = [hostvars[name]["release_failure"] for name in names if "release_failure" in hostvars[name]]
    lost = {name: hostvars[name]["release_lost"] for name in names if "release_lost" in hostvars[name]}
    # What is repaired has nothing to go back to.
    failed = "failed" if lost or planned["kind"] == "repair" else "rolled back"
    result = failed if failures else "deployed"
    known = history(state) if "targets" in state else None
    said = text.ending(all_hosts(names, hostvars), known, failures, lost, f"release {number}: {result}")
    return {"result": result, "reason": "; ".join(failure["reason"] for failure in failures), "text": said}


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "release_kept": specifications,
            "release_outcome": release_outcome,
            "release_plan": release_plan,
            "release_seen": release_seen,
            "release_status": release_status,
            "release_table": release_table,
            "release_unrecorded": release_unrecorded,
            "release_way_back": release_way_back,
        }
