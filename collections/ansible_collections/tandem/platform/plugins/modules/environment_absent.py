#!/usr/bin/python
"""Ansible module: delete everything of one environment, as far as it goes within some time."""

from __future__ import annotations

DOCUMENTATION = r"""
module: environment_absent
short_description: Delete everything of one environment
description:
  - Tells each resource to go as soon as those that use it have gone. Ends when nothing is left, or when O(patience) is
    over. Run it until C(waiting) is empty.
  - Looks the account up again each time, so that it may be killed anywhere and run again, and so that it does not mind
    what was never made or was deleted by hand.
  - In place of M(amazon.aws.ec2_vpc_subnet) and one such module a kind of resource, with C(state=absent). They want to know
    what to delete, and wait for one deletion after another; what a killed run made twice, or somebody by hand, would stay
    and be paid for.
options:
  project: {description: Value of the tag C(Project)., type: str, required: true}
  environment: {description: Value of the tag C(Environment)., type: str, required: true}
  patience: {description: Seconds after which to return although something is still there., type: int, default: 30}
  final_snapshot: {description: Name of the database's final snapshot. Without it none is made., type: str}
  delete_snapshots: {description: Delete the environment's database snapshots as well., type: bool, default: false}
extends_documentation_fragment: [amazon.aws.common.modules, amazon.aws.region.modules, amazon.aws.boto3]
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Delete the environment
  tandem.platform.environment_absent:
    project: tandem
    environment: main
    final_snapshot: tandem-main-last
"""

RETURN = r"""
deleted: {description: What was told to go., type: list, elements: str, returned: always}
waiting: {description: "What takes AWS some time, each with its state.", type: list, elements: str, returned: always}
held: {description: How many more are still there., type: int, returned: always}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.tandem.platform.plugins.module_utils.teardown.account import Environment
from ansible_collections.tandem.platform.plugins.module_utils.teardown.removal import Pass


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "project": {"type": "str", "required": True},
            "environment": {"type": "str", "required": True},
            "patience": {"type": "int", "default": 30},
            "final_snapshot": {"type": "str"},
            "delete_snapshots": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True, deleted=[], waiting=[])
    try:
        environment = Environment(
            module.params["project"], module.params["environment"], module.client, module.params["final_snapshot"]
        )
    except ValueError as error:
        module.fail_json(msg=str(error))
    work = Pass(environment, module.params["delete_snapshots"])
    try:
        work.run(module.params["patience"])
    except Exception as error:
        module.fail_json_aws(error, msg=f"Could not look for what is left of {environment.prefix}")
    result = {
        "changed": bool(work.deleted),
        "deleted": [str(resource) for resource in work.deleted],
        "waiting": [f"{resource}: {why}" for resource, why in work.waiting.items()],
        "held": len(work.held),
    }
    if work.refused:
        refused = "; ".join(f"{resource}: {error}" for resource, error in work.refused.items())
        module.fail_json(f"Not deleted: {refused}. Once this is mended, run the teardown again.", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
