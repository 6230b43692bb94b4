"""Show what a playbook says and nothing of how it comes to say it: for tables that people read."""

from __future__ import annotations

DOCUMENTATION = """
name: plain
type: stdout
short_description: Only the messages of debug tasks, and failures
description: For playbooks that answer a question, as `make status` does.
author: Tandem (!UNKNOWN)
"""

from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Messages go to standard output; what failed, and hosts out of reach, to standard error."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "plain"

    def v2_runner_on_ok(self, result: Any) -> None:
        if result.task.action in ("debug", "ansible.builtin.debug"):
            self._display.display(str(result.result.get("msg", "")))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            self._display.display(f"{result.host.name}: {result.result.get('msg', 'failed')}", color="red", stderr=True)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._display.display(f"{result.host.name}: cannot be reached", color="red", stderr=True)
