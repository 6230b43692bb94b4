"""Ansible's own output, in which a message is told once and as it is.

Ansible tells why a task failed before its result, which has it too, there in quotes and folded as YAML writes it.
"""

from __future__ import annotations

DOCUMENTATION = """
name: once
type: stdout
short_description: Ansible's own output, each message once
description: With -vvv all that Ansible knows of a failure, as ever.
extends_documentation_fragment: [default_callback, result_format_callback]
author: Tandem (!UNKNOWN)
"""

from textwrap import indent
from typing import Any

from ansible.plugins.callback.default import CallbackModule as Default


class CallbackModule(Default):
    CALLBACK_NAME = "once"

    def _handle_exception(self, result: Any, use_stderr: bool = False) -> None:
        if self._display.verbosity < 3:
            result.pop("exception", None)
        super()._handle_exception(result, use_stderr)

    def _dump_results(self, result: Any, *arguments: Any, **more: Any) -> str:
        if not isinstance(result.get("msg"), str) or self._display.verbosity >= 3:
            return super()._dump_results(result, *arguments, **more)
        rest = {key: value for key, value in result.items() if key not in ("msg", "changed") and key[0] != "_"}
        return "\n" + indent(result["msg"], "    ") + (super()._dump_results(rest, *arguments, **more) if rest else "")
