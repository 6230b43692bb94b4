"""The records of an environment's releases in SSM Parameter Store, and the lock beside them.

Whoever may write parameters may have written anything: what is no record is named and passed over.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeGuard

KEPT = 30  # records that are kept; older ones only where the current release needs them
NUMBER = re.compile(r"\d{6}|[1-9]\d{6,8}")
TIME = "%Y-%m-%dT%H:%M:%S%z"
ACTIONS = ("deploy", "rollback")
# unknown: the record was lost, and no host can say what it was of.
RESULTS = ("rolling", "deployed", "rolled back", "failed", "interrupted", "unknown")
VERSION = re.compile(r"[\w.-]{0,40}", re.ASCII)
IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:@-]{0,300}")
Record = dict[str, Any]


class MalformedError(ValueError):
    """What is no record, in words of our own."""


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def is_number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def one_line(value: Any, longest: int = 200) -> str:
    """For a terminal: a text without anything that is not to be seen."""
    text = value if isinstance(value, str) else ""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:longest]


def parsed(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError("it is not JSON") from error
    if not isinstance(value, dict):
        raise MalformedError("it is not a JSON object")
    return value


def checked(name: str, text: str) -> Record:
    """The record that a parameter's text holds, with the fields that a record has and no others. name: below release/."""
    if not NUMBER.fullmatch(name):
        raise MalformedError("its name is not a release's number")
    number, value = int(name), parsed(text)
    for key, allowed in (("action", ACTIONS), ("result", RESULTS)):
        if value.get(key) not in allowed:
            raise MalformedError(f"its {key} is none of: {', '.join(allowed)}")
    release = value.get("release")
    if not is_number(value.get("number")) or value["number"] != number:
        raise MalformedError(f"its number is not {number}")
    if not is_number(release) or not 1 <= release <= number or (value["action"] == "deploy" and release != number):
        raise MalformedError("its release is not one up to its number")
    version, images = value.get("version", ""), value.get("images", {})
    if not isinstance(version, str | int | float) or not VERSION.fullmatch(str(version)):
        raise MalformedError("its version is not up to 40 letters, digits, dots, hyphens and underscores")
    if not isinstance(images, dict) or not all(
        isinstance(image, str) and IMAGE.fullmatch(image) and tier.isalpha() for tier, image in images.items()
    ):
        raise MalformedError("its images are not names by tier")
    record = {key: value[key] for key in ("number", "release", "action", "result")}
    record |= {"version": str(version), "images": images, "who": one_line(value.get("who")), "started": ""}
    record |= {key: moment(key, value[key]) for key in ("started", "finished") if value.get(key)}
    record |= {key: True for key in ("rebuilt", "oldest") if value.get(key) is True}
    if isinstance(value.get("inputs"), str):
        record["inputs"] = one_line(value["inputs"])
    if value.get("reason"):
        record["reason"] = one_line(value["reason"], 4096)
    return record


def checked_lock(text: str) -> dict[str, Any]:
    lock = parsed(text)
    if not isinstance(lock.get("id"), str) or not lock["id"]:
        raise MalformedError("it has no id")
    return lock


def moment(name: str, value: Any) -> str:
    try:
        datetime.strptime(value, TIME)
    except (TypeError, ValueError) as error:
        raise MalformedError(f"its {name} is no time") from error
    return str(value)


@dataclass
class Found:
    """What lies below an environment's path.

    malformed: what is no record (name, words and the command that removes it). taken: its numbers, which nobody gets again.
    names: the other parameters, below the path.
    """

    records: dict[int, Record] = field(default_factory=dict)
    lock: dict[str, str] = field(default_factory=dict)
    malformed: list[dict[str, str]] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    names: list[str] = field(default_factory=list)

    def note(self, prefix: str, name: str, text: str) -> None:
        short = name.removeprefix(f"{prefix}/")
        word = short.removeprefix("release/")
        if word == short:
            self.names.append(short)
            return
        try:
            if word == "lock":
                self.lock = {key: one_line(str(value)) for key, value in checked_lock(text).items() if key in LOCK}
            else:
                record = checked(word, text)
                self.records[record["number"]] = record
        except MalformedError as error:
            if re.fullmatch(r"\d{6}", word):
                self.taken.add(int(word))
            self.malformed.append({"name": one_line(name), "words": malformed(name, str(error))})


LOCK = ("id", "who", "since", "purpose")


def malformed(name: str, problem: str) -> str:
    what = "lock" if name.endswith("/lock") else "record of a release"
    return (
        f"{one_line(name)} is no {what} ({problem}). "
        f"Remove it: aws ssm delete-parameter --name {shlex.quote(one_line(name))}"
    )


class Records:
    """The parameters <prefix>/release/000001 … of one environment. ssm: a client as Ansible's modules have it."""

    def __init__(self, ssm: Any, prefix: str) -> None:
        self.ssm = ssm
        self.prefix = prefix

    def name(self, number: int) -> str:
        return f"{self.prefix}/release/{number:06}"

    def look(self) -> Found:
        found, token = Found(), dict[str, str]()
        while True:
            page = self.ssm.get_parameters_by_path(Path=self.prefix, Recursive=True, aws_retry=True, **token)
            for parameter in page["Parameters"]:
                found.note(self.prefix, parameter["Name"], parameter["Value"])
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}


def lineages(records: Iterable[Record]) -> tuple[list[int], dict[int, list[int]]]:
    """The lineage of the release that the fleet should run, and that of each release: what led to it, oldest first.

    A deployment that worked follows the current release; a rollback that worked makes an earlier release the current
    one, and what was deployed since then is no part of its lineage.
    """
    current: list[int] = []
    known: dict[int, list[int]] = {}
    for record in records:
        if record["result"] != "deployed":
            continue
        number = record["release"]
        if record["action"] == "deploy":
            known[number] = [*current, number]
        current = known.setdefault(number, [number])
    return current, known


def missing(found: Found, seen: Iterable[int] = ()) -> list[int]:
    """Numbers whose records were lost. seen: releases that hosts run or keep, where they were asked."""
    records, known = found.records, {*found.records, *seen}
    if not known:
        return []
    first = max(1, max(known) - KEPT + 2)
    recent = sorted(number for number in known if number >= first)
    # Before the oldest that the hosts could tell of there may have been more: nobody knows.
    if not records or records.get(recent[0], {}).get("oldest"):
        first = recent[0]
    return [number for number in range(first, max(known) + 1) if number not in records and number not in found.taken]


def specifications(text: str) -> list[dict[str, Any]]:
    """The containers' settings that a host keeps, one JSON object after the other; what is no such is left out."""
    decoder, found, text = json.JSONDecoder(), [], text.strip()
    while text:
        try:
            value, end = decoder.raw_decode(text)
        except (ValueError, RecursionError):
            break
        text = text[end:].strip()
        if isinstance(value, dict) and is_number(value.get("release")) and value["release"] > 0:
            found.append(value)
    return found


def rebuilt(found: Found, hosts: Iterable[Mapping[str, Any]], who: str) -> list[Record]:
    """Records in place of those that were lost, from what the hosts run and keep.

    hosts: of each what it runs (the number of a release, 0 for none, and its version) and the settings that it keeps.
    A release that some host runs, or that one keeps from before it, worked: what did not is not kept.
    """
    hosts = list(hosts)
    seen: dict[int, Record] = {
        host["running"]["release"]: {"version": host["running"]["version"], "images": {}}
        for host in hosts
        if host["running"]["release"]
    }
    current = max(seen, default=0)
    for host in hosts:
        for kept in host["kept"]:
            record = seen.setdefault(kept["release"], {"version": kept.get("version", ""), "images": {}})
            if (
                isinstance(kept.get("image"), str)
                and IMAGE.fullmatch(kept["image"])
                and str(kept.get("name")).isalpha()
            ):
                record["images"][kept["name"]] = kept["image"]
    records: list[Record] = []
    for number in missing(found, seen):
        told = seen.get(number, {"version": "", "images": {}})
        version = str(told["version"]) if VERSION.fullmatch(str(told["version"])) else ""
        result = "deployed" if number in seen and number <= current else "unknown"
        records.append(
            {
                "number": number,
                "release": number,
                "action": "deploy",
                "result": result,
                "version": version,
                "images": told["images"],
                "who": who,
                "started": now(),
                "rebuilt": True,
            }
        )
    if records and not found.records:
        records[0]["oldest"] = True
    return records
