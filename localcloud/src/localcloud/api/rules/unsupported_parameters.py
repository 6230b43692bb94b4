"""Refuses parameters whose effect the local cloud would have to make real and cannot: unsupported_parameters.toml."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..moto import moto_state
from ..request import Call, asks
from .supported_actions import not_realised

Json = dict[str, Any]


def _by_action() -> dict[str, list[Json]]:
    rules = defaultdict(list)
    for rule in tomllib.loads(Path(__file__).with_suffix(".toml").read_text())["rules"]:
        for action in rule["actions"]:
            rules[action].append(rule)
    return rules


RULES = _by_action()


def refuse(call: Call) -> None:
    """Raise NotRealised for what the call asks for beyond what is made real."""
    for rule in RULES.get(call.name, ()):
        for why in (*_values(rule, call.parameters), *_names(rule, call.parameters)):
            raise not_realised(call, why)
    if call.name == "ec2:RunInstances" and (name := call.parameters.get("InstanceType")):
        processor = moto_state.instance_types(call.region).get(name, {}).get("ProcessorInfo", {})
        if "x86_64" not in processor.get("SupportedArchitectures", ("x86_64",)):
            raise not_realised(call, f"instance type {name} is not for x86_64, which the local cloud's hosts are")


def _values(rule: Json, params: Json) -> Iterator[str]:
    for path, allowed in rule.get("values", {}).items():
        yield from (_only(path, value, allowed) for value in _at(params, path) if value not in allowed)
    for path, most in rule.get("most", {}).items():
        yield from (f"more than {most} {path} is not made real" for value in _at(params, path) if len(value) > most)
    for path, least in rule.get("least", {}).items():
        yield from (f"{path} below {least} is not made real" for value in _at(params, path) if value < least)
    for attribute in params.get("Attributes", ()) if "attributes" in rule else ():
        key, value = attribute.get("Key"), attribute.get("Value")
        if value not in rule["attributes"].get(key, [value]):
            yield _only(key, value, rule["attributes"][key])


def _names(rule: Json, params: Json) -> Iterator[str]:
    yield from (why for name, why in rule.get("unsupported", {}).items() if asks(params.get(name)))
    for path, allowed in rule.get("members", {}).items():
        for value in _at(params, path):
            for member in value if isinstance(value, list) else [value]:
                yield from (f"the parameter {path}.{name} is not made real" for name in _beyond(member, allowed))
    if "parameters" in rule:
        allowed = [*rule["parameters"], "DryRun"]
        yield from (f"the parameter {name} is not made real" for name in _beyond(params, allowed))


def _only(name: str, value: Any, allowed: list[Any]) -> str:
    return f"{name}={value} is not made real, only {' and '.join(map(str, allowed))}"


def _beyond(params: Json, allowed: list[str]) -> list[str]:
    return [name for name, value in params.items() if name not in allowed and asks(value)]


def _at(value: Any, path: str) -> Iterator[Any]:
    """What is given under a dotted name, in each item of the lists on the way."""
    name, _, rest = path.partition(".")
    for one in value if isinstance(value, list) else [value]:
        if one.get(name) not in (None, ""):
            yield from _at(one[name], rest) if rest else (one[name],)
