"""Tasks of the role release on hosts that do not exist: what would act on a host or on AWS only says so, the rest is real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.support.cloud import ROOT
from tests.support.templates import trusted

ROLE = ROOT / "roles/release"
COLLECTION = Path("collections/ansible_collections/tandem/platform")
LOCAL = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
# Whatever its arguments are. The import makes it a module in Ansible's eyes.
MODULE = """#!/usr/bin/python
import json
import sys
from ansible.module_utils.basic import AnsibleModule

def end(**answer):
    print(json.dumps(answer))
    sys.exit(bool(answer.get("failed")))

"""


def say(words: str, **facts: Any) -> list[dict[str, Any]]:
    """Tasks in place of a file's own: say something, and set facts."""
    tasks: list[dict[str, Any]] = [
        {"name": "Say", "ansible.builtin.debug": {"msg": f"{words} {{{{ inventory_hostname }}}}"}}
    ]
    return tasks + ([{"name": "Note", "ansible.builtin.set_fact": facts}] if facts else [])


def fail(words: str) -> list[dict[str, Any]]:
    return [{"name": "Fail", "ansible.builtin.fail": {"msg": words}}]


Played = subprocess.CompletedProcess[str]


def words(played: Played) -> str:
    """What a run said, in one line."""
    return " ".join(played.stdout.split())


@dataclass
class Rehearsal:
    """A run of some of the role's task files.

    stubs: tasks in place of a file's own, by the file's name. hosts: variables of each host, whose name begins with its tier.
    modules: Python code in place of a module's own, by the module's name.
    """

    folder: Path
    stubs: dict[str, list[dict[str, Any]]]
    hosts: dict[str, dict[str, Any]]
    variables: dict[str, Any] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)

    def play(self, *plays: tuple[str, list[str]], options: tuple[str, ...] = (), shows: str = "") -> Played:
        """plays: hosts, and the role's task files that they include one after the other. shows: what they say in the end."""
        shutil.copytree(ROLE, self.folder / "roles/release")
        for name, tasks in self.stubs.items():
            (self.folder / f"roles/release/tasks/{name}.yml").write_text(yaml.safe_dump(tasks))
        shutil.copytree(ROOT / COLLECTION / "plugins", self.folder / COLLECTION / "plugins")
        for name, code in self.modules.items():
            (self.folder / COLLECTION / f"plugins/modules/{name}.py").write_text(MODULE + code)
        groups: dict[str, Any] = {"backend": {"hosts": {}}, "frontend": {"hosts": {}}}
        for host, variables in self.hosts.items():
            tier = host.partition("-")[0]
            groups[tier]["hosts"][host] = {**LOCAL, "release_tier": tier, **variables}
        self.write("inventory.yml", {"all": {"hosts": {"localhost": LOCAL}, "children": groups}})
        self.write("variables.json", self.variables)
        self.write("play.yml", [play_of(*play, shows) for play in plays])
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "inventory.yml",
            "-e",
            "@variables.json",
        ]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": "roles",
            "ANSIBLE_COLLECTIONS_PATH": "collections",
            "PATH": f"{self.folder}:{os.environ['PATH']}",
        }
        return subprocess.run(
            [*command, "play.yml", *options], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )  # fmt: skip

    def write(self, name: str, content: Any) -> None:
        (self.folder / name).write_text(json.dumps(content))


def play_of(hosts: str, files: list[str], shows: str) -> dict[str, Any]:
    tasks: list[dict[str, Any]] = [
        {"name": f"Include {name}", "ansible.builtin.include_role": {"name": "release", "tasks_from": name}}
        for name in files
    ]
    show = [{"name": "Show", "ansible.builtin.debug": {"msg": f"SHOWN: {shows}"}}] if shows else []
    return {"name": f"On {hosts}", "hosts": hosts, "gather_facts": False, "tasks": tasks + show}


def value(name: str, role: Path = ROLE, **variables: Any) -> Any:
    """One of the role's own variables (vars/main.yml), under these."""
    own: dict[str, Any] = {}
    for file in ("defaults", "vars"):
        read = yaml.safe_load((role / file / "main.yml").read_text())
        own |= trusted(read)
    templar = Templar(loader=DataLoader(), variables={**own, **variables})
    return templar.template(trust_as_template(f"{{{{ {name} }}}}"))
