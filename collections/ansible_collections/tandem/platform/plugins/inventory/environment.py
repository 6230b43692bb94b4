"""The hosts of one environment, as amazon.aws.aws_ec2 finds them, once its variables have been found right."""

from __future__ import annotations

DOCUMENTATION = """
name: environment
short_description: The hosts of one environment
description:
  - Finds the instances that carry the tags of C(project) and C(env_name) in C(region). Options are those of amazon.aws.aws_ec2.
  - The inventory is read before any play. So the variables are looked at here first, and nothing is asked of AWS with wrong ones.
options:
  plugin: {description: Name of this plugin., required: true, choices: [tandem.platform.environment]}
author: Tandem (!UNKNOWN)
"""

from pathlib import Path
from typing import Any, NoReturn

from ansible import constants
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.plugins.loader import inventory_loader
from ansible.template import Templar
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars
from ansible.vars.manager import VariableManager
from ansible_collections.tandem.platform.plugins.module_utils.preflight.account import call_problem
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import Problem, told
from ansible_collections.tandem.platform.plugins.plugin_utils.validation import problems

ROOT = Path(constants.CONFIG_FILE).parent


class InventoryModule(BaseInventoryPlugin):
    NAME = "tandem.platform.environment"

    def parse(self, inventory: Any, loader: DataLoader, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        variables = localhost(loader, str(Path(path).with_name("hosts.yml")))
        template = Templar(loader, variables).template
        wrong = problems(variables, template, load_extra_vars(loader), ROOT)
        if wrong:
            end(wrong)
        project, env_name, region = (template(variables[name]) for name in ("project", "env_name", "region"))
        options = loader.load_from_file(path, cache="none", trusted_as_template=True)
        options |= {
            "plugin": "amazon.aws.aws_ec2",
            "regions": [region],
            **only_hosts(project, env_name),
        }
        hosts = inventory_loader.get("amazon.aws.aws_ec2")
        hosts._read_config_data = lambda _path: hosts.set_options(direct=options)
        inventory._target_plugin = hosts  # as Ansible's own plugin `auto` does
        try:
            hosts.parse(inventory, loader, path, cache)
        except AnsibleError as error:
            end([call_problem(error, region)])


def only_hosts(project: str, env_name: str) -> dict[str, Any]:
    """Filters that let through what role hosts makes, by name, tier, key pair and instance profile: anybody may write tags.

    The rule stands in full in module_utils/survey_services.py.
    """
    names = {tier: [f"{tier}-{number}" for number in range(1, 10)] for tier in ("frontend", "backend")}
    return {
        "filters": {
            "tag:Project": project,
            "tag:Environment": env_name,
            "tag:Tier": list(names),
            "tag:Name": [name for tier in names.values() for name in tier],
            "key-name": f"{project}-{env_name}-ssh",
            "iam-instance-profile.arn": f"*:instance-profile/{project}-{env_name}-host",
            "instance-state-name": ["pending", "running", "stopping", "stopped"],
        },
        "exclude_filters": [
            {"tag:Tier": "frontend", "tag:Name": names["backend"]},
            {"tag:Tier": "backend", "tag:Name": names["frontend"]},
        ],
    }


def localhost(loader: DataLoader, hosts: str) -> dict[str, Any]:
    """The variables of localhost with this inventory, as a play would have them."""
    base = loader.get_basedir()
    loader.set_basedir(str(ROOT))
    try:
        inventory = InventoryManager(loader=loader, sources=[hosts])
        return VariableManager(loader=loader, inventory=inventory).get_vars(host=inventory.get_host("localhost"))
    finally:
        loader.set_basedir(base)


def end(wrong: list[Problem]) -> NoReturn:
    """Ansible takes a plugin's errors for warnings and goes on, so the run ends here, with one message."""
    Display().error(told(wrong), wrap_text=False)
    raise SystemExit(2)
