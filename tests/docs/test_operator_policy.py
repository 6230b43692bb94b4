"""docs/operator-policy.json beside what AWS asks for with its actions."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path

from localcloud.testing.rights import RIGHTS, SERVICE_LINKED_ROLES, SERVICES, TAGS

ROOT = Path(__file__).parents[2]


def test_every_right_that_an_action_depends_on_is_in_the_policy() -> None:
    statements = json.loads((ROOT / "docs/operator-policy.json").read_text())["Statement"]
    listed = [one["Action"] if isinstance(one["Action"], list) else [one["Action"]] for one in statements]
    allowed = {action for actions in listed for action in actions}
    wanted = {"iam:CreateServiceLinkedRole": [*SERVICE_LINKED_ROLES], **{right: [right] for _, right in TAGS.values()}}
    for name, rights in RIGHTS.items():
        service, action = name.split(":")
        prefix = {boto: signed for signed, boto in SERVICES.items()}.get(service, service)
        if f"{prefix}:{action}" in allowed:
            wanted |= {right: [*wanted.get(right, []), name] for group in rights.values() for right in group}
    missing = {right: why for right, why in wanted.items() if not any(fnmatchcase(right, one) for one in allowed)}
    assert missing == {}
