"""Templates, rendered by Ansible's own templar and compared by what they mean."""

from __future__ import annotations

from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.support.cloud import ROOT


def defaults(role: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text())


def trusted(value: Any) -> Any:
    """Strings as Ansible reads them from files: to be templated."""
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def render(role: str, template: str, **variables: Any) -> str:
    """A role's template with the role's defaults under these variables, as module `template` renders it."""
    file = ROOT / f"roles/{role}/templates/{template}"
    templar = Templar(loader=DataLoader(), variables={**trusted(defaults(role)), **variables})
    overrides = {"trim_blocks": True, "keep_trailing_newline": True}
    return str(templar.copy_with_new_env(**overrides).template(trust_as_template(file.read_text())))
