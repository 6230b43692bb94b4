"""What was given with -e, for inventories: an inventory plugin's own options are templated without it."""

from __future__ import annotations

from typing import Any

from ansible.utils.vars import load_extra_vars


def extra_var(name: str, default: Any) -> Any:
    """The variable as given on the command line, else the default: `{{ 'env_name' | extra_var('main') }}`."""
    # Every inventory plugin has Ansible read them before it reads its own options.
    return getattr(load_extra_vars, "extra_vars", {}).get(name, default)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"extra_var": extra_var}
