"""The fleet that releases are rolled out to: playbooks on it, and what is left of them after."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from tests.mutants.deployment import BIN, ROOT, Deployment, operator_environment
from tests.support.watched import Run, Strike, watch

TIERS = ("frontend", "backend")


class Fleet(Deployment):
    """A deployment, with what belongs to its releases."""

    def reports(self, name: str) -> Path:
        """A folder for what is written about this environment's releases."""
        folder = ROOT / "reports" / self.variables["env_name"] / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def url(self) -> str:
        return f"http://{self.balancer('public')['DNSName']}"

    def healthy_targets(self, tier: str) -> int:
        """How many targets of a tier serve."""
        health = self.elbv2.describe_target_health(TargetGroupArn=self.target_group(tier))
        states = [target["TargetHealth"]["State"] for target in health["TargetHealthDescriptions"]]
        return states.count("healthy")

    def watched(self, playbook: str, variables: dict[str, Any], strike: Strike | None = None) -> Run:
        """Run a playbook, and do something to it in the middle."""
        command = [str(BIN / "ansible-playbook"), "-i", self.inventory, playbook, *self.extra]
        return watch([*command, "-e", json.dumps(variables)], operator_environment(), strike)

    def records(self) -> list[dict[str, Any]]:
        """Records of the releases, oldest first."""
        path = f"{self.variables['parameter_path']}/release"
        pages = self.ssm.get_paginator("get_parameters_by_path").paginate(Path=path)
        found = [parameter for page in pages for parameter in page["Parameters"] if parameter["Name"][-1].isdigit()]
        return [json.loads(parameter["Value"]) for parameter in sorted(found, key=lambda item: item["Name"])]

    def is_locked(self) -> bool:
        """Whether somebody holds the environment's lock, dead or alive."""
        name = f"{self.variables['parameter_path']}/release/lock"
        return not self.ssm.get_parameters(Names=[name])["InvalidParameters"]

    def versions(self) -> Counter[str]:
        """What twenty visitors are told by each tier: `NAME VERSION`, or what they get instead."""
        return Counter(ask(f"{self.url}{path}") for path in ("/version", "/passthrough") for _ in range(20))

    def differs(self, version: str) -> list[str]:
        """In words: what is not as after a roll-out of a version. Nothing, where every host of both tiers answers it."""
        wrong = ["a lock is left"] if self.is_locked() else []
        told = self.versions()
        if {answer.partition(" ")[2] for answer in told} != {version}:
            wrong.append(f"visitors are told {dict(told)}, wanted {version}")
        if self.records()[-1]["result"] == "rolling":
            wrong.append("the last record is still rolling")
        return wrong


def ask(url: str) -> str:
    """NAME and VERSION of one answer, or what went wrong."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            said = json.load(answer)
        return f"{said['name']} {said['version']}"
    except (OSError, ValueError, KeyError) as error:
        return f"{type(error).__name__}: {error}"
