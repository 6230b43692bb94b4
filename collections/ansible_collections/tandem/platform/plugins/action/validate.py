"""Refuse variables and options of the command line that cannot be right, before anything is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import Problem, told
from ansible_collections.tandem.platform.plugins.plugin_utils.validation import problems

PARTS = "the playbook of a part: provision.yml, hosts.yml, deploy.yml or verify.yml of playbooks/"


class ActionModule(ActionBase):
    """limit: whether --limit makes sense. The inventory has looked at the variables too, unless it is of another kind."""

    _VALID_ARGS = frozenset({"limit"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        variables = task_vars or {}
        root = Path(constants.CONFIG_FILE).parent
        wrong = problems(variables, self._templar.template, load_extra_vars(self._loader), root)
        given = context.CLIARGS
        if given.get("subset") and not self._task.args.get("limit"):
            allowed = "all hosts; a part of them in hosts.yml alone"
            wrong.append(
                Problem("--limit", given["subset"], "an environment is all its hosts", allowed, "leave it out")
            )
        tags = [*given.get("tags", ()), *given.get("skip_tags", ())]
        if tags not in ([], ["all"]):
            wrong.append(Problem("--tags", ", ".join(tags), "the playbooks have none", "no tags", PARTS))
        if wrong:
            result.update(failed=True, msg=told(wrong))
        return result
