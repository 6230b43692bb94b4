#!/usr/bin/python
"""Ansible module: what an environment has in AWS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: survey
short_description: Read what an environment has in AWS, in one run
description:
  - Reads everything that carries the environment's tags or name, and tells it in the environment's own short names
    (C(public-1) instead of C(subnet-0123)), so that roles can compare it with what they want before anything exists.
  - In place of M(amazon.aws.ec2_vpc_subnet_info) and one such module a kind of resource, at a second of start each; this
    looks at all kinds side by side in three to four. It changes nothing.
options:
  project:
    description: Value of the C(Project) tag.
    type: str
    required: true
  env_name:
    description: Value of the C(Environment) tag.
    type: str
    required: true
  instance_type:
    description: Availability zones are listed where this EC2 instance type is offered.
    type: str
    required: true
  wait_for:
    description: Look again until all of these kinds are ready; what has failed ends the waiting at once.
    type: list
    elements: str
    choices: [nat_gateways, instances, load_balancers, database]
    default: []
  launched:
    description:
      - IDs of instances that were launched just now. They are waited for even while AWS does not list them; one that has ended
        ends the waiting with AWS's reason.
    type: list
    elements: str
    default: []
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 1800
extends_documentation_fragment: [amazon.aws.common.modules, amazon.aws.region.modules, amazon.aws.boto3]
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look at the environment
  tandem.platform.survey:
    project: tandem
    env_name: main
    instance_type: t3.micro
  register: found
"""

RETURN = r"""
vpc:
  description: The network, empty where there is none. C(id), C(cidr), C(dns_support), C(dns_hostnames).
  returned: always
  type: dict
subnets:
  description: By short name. C(id), C(cidr), C(zone), C(tier). Likewise C(route_tables), C(nat_gateways),
    C(elastic_ips), C(endpoints), C(security_groups), C(instances), C(load_balancers), C(target_groups),
    C(database_subnet_groups), C(database_parameter_groups).
  returned: always
  type: dict
strangers:
  description: >-
    Instances with the environment's tags that role hosts did not make, each in words. They are not among C(instances): a
    warning names them.
  returned: always
  type: list
  elements: str
doubles:
  description: What nothing uses beside another of the same name, made by a call whose answer was lost. C(id), C(address).
  returned: always
  type: list
  elements: dict
database:
  description: The database instance, empty where there is none. C(endpoint) is empty while it is being created.
  returned: always
  type: dict
image:
  description: The newest official Debian 13 image. C(id), C(name), C(root_device).
  returned: always
  type: dict
zones:
  description: Availability zones in which the instance type is offered.
  returned: always
  type: list
  elements: str
parameters:
  description: SSM parameters below the environment's path, with their versions.
  returned: always
  type: dict
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.tandem.platform.plugins.module_utils.look import (
    LOST_DATABASES,
    SERVING_DATABASES,
    DoubledError,
    Look,
    shown,
    side_by_side,
    tags,
)
from ansible_collections.tandem.platform.plugins.module_utils.survey.network import network
from ansible_collections.tandem.platform.plugins.module_utils.survey.services import (
    database,
    hosts,
    load_balancers,
    newest_image,
    parameters,
    zones,
)

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says that botocore is missing.


class NotReadyError(RuntimeError):
    """Something is not as it was waited for; the message says what was seen."""


def survey(look: Look, instance_type: str) -> dict:
    """The whole environment. The network and the instances come first: the rest is told in their names."""
    image, offered, ssm, ec2 = side_by_side(
        partial(newest_image, look),
        partial(zones, look, instance_type),
        partial(parameters, look),
        lambda: {**network(look), **hosts(look)},
    )
    balancers, rds = side_by_side(partial(load_balancers, look), partial(database, look))
    return {"image": image, "zones": offered, "parameters": ssm, **ec2, **balancers, **rds}


READY = {
    "nat_gateways": {"available"},
    "instances": {"running"},
    "load_balancers": {"active"},
    "database": SERVING_DATABASES,
}
FAILED = {
    "active_impaired", "storage-full", "stopped", "incompatible-parameters", "incompatible-option-group", *LOST_DATABASES
}  # fmt: skip
INTERVAL = 2  # seconds between two looks; later a tenth of the time so far
LONGEST_INTERVAL = 10


def states(found: dict, kinds: Iterable[str]) -> dict[str, str]:
    """State of what is not ready yet, for example {nat_gateways nat-1: pending}."""
    resources = {
        f"{kind} {name}": (kind, item["state"])
        for kind in kinds
        for name, item in ({"": found[kind]} if kind == "database" else found[kind]).items()
        if item
    }
    return {label.strip(): state for label, (kind, state) in resources.items() if state not in READY[kind]}


def unlisted(ec2: Any, launched: Iterable[str]) -> dict[str, str]:
    """Launched instances that AWS does not list yet. Raises NotReadyError for one that has ended."""
    answer = ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": list(launched)}])
    found = {item["InstanceId"]: item for one in answer["Reservations"] for item in one["Instances"]}
    for instance, item in found.items():
        if item["State"]["Name"] in ("shutting-down", "terminated"):
            reason = item.get("StateReason", {}).get("Message") or item.get("StateTransitionReason", "")
            named = shown(tags(item).get("Name", ""))
            raise NotReadyError(f"instance {named} ({instance}) ended at its launch. AWS says: {shown(reason, 200)}")
    return {f"instance {instance}": "not listed yet" for instance in launched if instance not in found}


def wait(
    look: Callable[[], dict], kinds: list[str], timeout: float, launches: Callable[[], dict[str, str]] = dict
) -> dict:
    """Look until everything of these kinds is ready. Raises NotReadyError with what was seen last."""
    began = time.monotonic()
    while True:
        waiting = launches()
        found = look()
        waiting |= states(found, kinds)
        if not waiting:
            return found
        seen = ", ".join(f"{label} is {state}" for label, state in waiting.items())
        if FAILED & set(waiting.values()):
            raise NotReadyError(f"{seen}: it will not become ready by itself")
        so_far = time.monotonic() - began
        if so_far > timeout:
            raise NotReadyError(f"{seen} after {timeout:.0f} s")
        time.sleep(min(max(INTERVAL, so_far / 10), LONGEST_INTERVAL))


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "project": {"type": "str", "required": True},
            "env_name": {"type": "str", "required": True},
            "instance_type": {"type": "str", "required": True},
            "wait_for": {"type": "list", "elements": "str", "choices": sorted(READY), "default": []},
            "launched": {"type": "list", "elements": "str", "default": []},
            "wait_timeout": {"type": "int", "default": 1800},
        },
        supports_check_mode=True,
    )
    clients = {name: module.client(name) for name in ("ec2", "elbv2", "rds", "ssm", "iam")}
    names = (module.params["project"], module.params["env_name"])

    def look() -> dict:
        return survey(Look(clients.__getitem__, *names), module.params["instance_type"])

    def launches() -> dict[str, str]:
        return unlisted(clients["ec2"], module.params["launched"]) if module.params["launched"] else {}

    kinds = [] if module.check_mode else module.params["wait_for"]
    try:
        found = wait(look, kinds, module.params["wait_timeout"], launches)
    except DoubledError as error:
        module.fail_json(msg=f"{error}. Keep one, delete the other; then run again.")
    except ValueError as error:
        module.fail_json(msg=str(error))
    except NotReadyError as error:
        module.fail_json(msg=f"The environment {'-'.join(names)} is not ready: {error}.")
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg="The environment cannot be read")
    if found["strangers"]:
        module.warn(
            f"Left out, for role hosts did not make them, whoever gave them the tags of {'-'.join(names)}: "
            f"{'; '.join(found['strangers'])}. Only a teardown acts on them. Find out whose they are (CloudTrail, "
            "RunInstances and CreateTags), then terminate them or take the tags away."
        )
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
