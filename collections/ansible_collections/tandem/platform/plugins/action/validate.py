"""Refuse variables and options of the command line that cannot be right, before anything is looked at."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import Problem, told
from ansible_collections.tandem.platform.plugins.plugin_utils.validation import problems


def tags_of(playbook: Path, loader: DataLoader) -> set[str]:
    """All tags of a playbook and of those that it imports, roles left out: roles have none."""

    def found(part: Any) -> Iterator[str]:
        if isinstance(part, list):
            yield from chain.from_iterable(map(found, part))
        elif isinstance(part, dict):
            tags = part.get("tags", [])
            yield from tags.split(",") if isinstance(tags, str) else tags
            yield from chain.from_iterable(found(part.get(name)) for name in ("tasks", "block", "rescue", "always"))
            if imported := part.get("ansible.builtin.import_playbook"):
                yield from tags_of(playbook.parent / imported, loader)

    return set(found(loader.load_from_file(str(playbook))))


def unknown_tags(option: str, unknown: list[str], known: set[str]) -> Problem:
    close = [match for tag in unknown for match in difflib.get_close_matches(tag, known, 1)]
    allowed = ", ".join(sorted(known - {"all", "always", "never", "tagged", "untagged"})) or "none: it is played whole"
    option = "--" + option.replace("_", "-")
    fix = f"{option} {','.join(close)}" if close else "leave it out, or play site.yml, which has tags"
    return Problem(option, ", ".join(unknown), "nothing in this playbook has this tag", allowed, fix)


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
        known = {"all", "always", "never", "tagged", "untagged"}.union(
            *(tags_of(Path(playbook).resolve(), self._loader) for playbook in given["args"])
        )
        for option in ("tags", "skip_tags"):
            asked = {tag.strip() for given_tags in given.get(option, ()) for tag in given_tags.split(",")}
            if unknown := sorted(asked - known):
                wrong.append(unknown_tags(option, unknown, known))
        if wrong:
            result.update(failed=True, msg=told(wrong))
        return result
