"""Run the module of the same name until nothing is left, and tell the operator how it goes."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()
FIRST_PATIENCE = 3


class ActionModule(ActionBase):
    """timeout: seconds after which to give up. patience: seconds between two reports of progress."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        timeout, longest = int(arguments.pop("timeout")), int(arguments["patience"])
        began = time.monotonic()
        patience = min(FIRST_PATIENCE, longest)
        deleted: list[str] = []
        while True:
            answer = self._execute_module(module_args={**arguments, "patience": patience}, task_vars=task_vars)
            new = [text for text in answer.get("deleted", ()) if text not in deleted]
            deleted += new
            result.update({**answer, "deleted": deleted, "changed": bool(deleted) or bool(answer.get("changed"))})
            self._report(new, answer.get("waiting", []), answer.get("held", 0), time.monotonic() - began)
            if answer.get("failed") or not (answer.get("waiting") or answer.get("held")):
                return result
            if time.monotonic() - began > timeout:
                result.update(failed=True, msg=f"Still there after {timeout} s: {'; '.join(answer['waiting'])}")
                return result
            patience = longest

    @staticmethod
    def _report(deleted: list[str], waiting: list[str], held: int, seconds: float) -> None:
        clock = f"{int(seconds // 60)}:{int(seconds % 60):02}"
        for text in deleted:
            display.display(f"  {clock}  deleted  {text}")
        for text in waiting:
            display.display(f"  {clock}  waiting  {text}")
        if held:
            display.display(f"  {clock}           and then {held} more")
