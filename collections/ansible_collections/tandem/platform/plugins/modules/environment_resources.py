#!/usr/bin/python
"""Ansible module: everything in the account that belongs to one environment."""

from __future__ import annotations

DOCUMENTATION = r"""
module: environment_resources
short_description: List everything in the account that belongs to one environment
description:
  - Reads only. A resource belongs to the environment if it carries its two tags C(Project) and C(Environment), or if it
    hangs in a VPC that does. Parameters and log groups belong to it by their path.
  - In place of M(amazon.aws.ec2_instance_info) and one such module a kind of resource, which look by tags. They miss what
    hangs in the VPC without tags, and would keep the VPC from being deleted.
options:
  project: {description: Value of the tag C(Project)., type: str, required: true}
  environment: {description: Value of the tag C(Environment)., type: str, required: true}
extends_documentation_fragment: [amazon.aws.common.modules, amazon.aws.region.modules, amazon.aws.boto3]
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: List what there is to delete
  tandem.platform.environment_resources:
    project: tandem
    environment: main
  register: found
"""

RETURN = r"""
resources:
  description: >-
    What teardown deletes, in that order. Each has C(kind), C(id), C(name), C(state), C(data) (what is lost with it),
    C(managed) (goes with the resource that it was made for) and C(text).
  type: list
  returned: always
snapshots:
  description: The environment's database snapshots, likewise.
  type: list
  returned: always
foreign:
  description: What hangs in the environment's VPC but carries another environment's tags.
  type: list
  returned: always
others:
  description: What carries the environment's tags but is of a kind that teardown does not know.
  type: list
  returned: always
protected:
  description: What AWS refuses to delete until deletion protection is turned off.
  type: list
  returned: always
account: {description: Number of the account., type: str, returned: always}
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.tandem.platform.plugins.module_utils.teardown.account import Environment, Resource
from ansible_collections.tandem.platform.plugins.module_utils.teardown.kinds import SNAPSHOT, find_all, find_others


def facts(resource: Resource) -> dict[str, str | bool]:
    """What a playbook needs to know of a resource."""
    return {
        "kind": resource.kind,
        "id": resource.id,
        "name": resource.called,
        "managed": resource.managed,
        "state": resource.state,
        "data": resource.data,
        "text": str(resource),
    }


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "project": {"type": "str", "required": True},
            "environment": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        environment = Environment(module.params["project"], module.params["environment"], module.client)
    except ValueError as error:
        module.fail_json(msg=str(error))
    try:
        found = find_all(environment)
        others = find_others(environment)
        account = environment.client("sts").get_caller_identity()["Account"]
    except Exception as error:
        module.fail_json_aws(error, msg=f"Could not list what belongs to {environment.prefix}")
    foreign = [resource for resource in found if not environment.owns(resource)]
    own = [resource for resource in found if resource not in foreign]
    module.exit_json(
        changed=False,
        account=account,
        resources=[facts(resource) for resource in own if resource.kind != SNAPSHOT],
        snapshots=[facts(resource) for resource in own if resource.kind == SNAPSHOT],
        foreign=[facts(resource) for resource in foreign],
        others=[facts(resource) for resource in others],
        protected=[facts(resource) for resource in own if resource.protected],
    )


if __name__ == "__main__":
    main()
