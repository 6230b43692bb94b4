#!/usr/bin/python
"""Register a target and wait until it is healthy, or deregister it and wait until it is drained."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_target
short_description: Take a target into a target group or out of it, and wait for what the load balancer says
description:
  - A target that is registered and healthy, or not registered at all, is left alone.
  - A target that is still draining counts as neither.
  - In place of M(community.aws.elb_target), which waits for no target that is registered already and registers none that is still
    draining. After a run that was killed there, the next host would leave while this one serves nobody.
options:
  target_group: {description: Name of the target group., type: str, required: true}
  target: {description: ID of the target., type: str, required: true}
  port: {description: Port of the target., type: int, required: true}
  state:
    description: C(healthy) registers and waits for health, C(drained) deregisters and waits for the end of draining.
    type: str
    choices: [healthy, drained]
    required: true
  spares:
    description:
      - Other targets, as a dictionary from a host's name to its target's ID. With C(drained), a healthy target is only taken
        out while one of them is healthy too, so that somebody serves. Empty - no matter who else serves.
    type: dict
    default: {}
  lag:
    description:
      - With C(drained), least seconds between the deregistration and the end. A load balancer's nodes hear of it one after the
        other, and go on sending requests for 10 to 20 seconds, whatever the target's state says meanwhile.
    type: int
    default: 0
  timeout: {description: Seconds to wait., type: int, default: 120}
extends_documentation_fragment: [amazon.aws.common.modules, amazon.aws.region.modules, amazon.aws.boto3]
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Take a host out of its load balancer
  tandem.platform.release_target:
    target_group: tandem-main-backend
    target: i-0123456789abcdef0
    port: 5001
    state: drained
"""

RETURN = r"""
health: {description: State of the target at the end., type: dict, returned: always}
others: {description: State of the group's other targets by C(ID:port)., type: dict, returned: always}
seconds: {description: How long it took., type: float, returned: always}
"""

import time
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says that botocore is missing.

POLL_SECONDS = 1


class Group:
    """One target group as the load balancer sees it."""

    def __init__(self, elb: Any, name: str) -> None:
        self.elb = elb
        self.arn = elb.describe_target_groups(Names=[name], aws_retry=True)["TargetGroups"][0]["TargetGroupArn"]

    def health(self) -> dict:
        """State of each target by (ID, port)."""
        answer = self.elb.describe_target_health(TargetGroupArn=self.arn, aws_retry=True)
        return {
            (entry["Target"]["Id"], entry["Target"]["Port"]): {
                "state": entry["TargetHealth"]["State"],
                "reason": entry["TargetHealth"].get("Reason", ""),
                "description": entry["TargetHealth"].get("Description", ""),
            }
            for entry in answer["TargetHealthDescriptions"]
        }

    def register(self, target: str, port: int) -> None:
        self.elb.register_targets(TargetGroupArn=self.arn, Targets=[{"Id": target, "Port": port}], aws_retry=True)

    def deregister(self, target: str, port: int) -> None:
        self.elb.deregister_targets(TargetGroupArn=self.arn, Targets=[{"Id": target, "Port": port}], aws_retry=True)


ABSENT = {"state": "unregistered", "reason": "", "description": ""}
GONE = ("unregistered", "unused")


def bring(
    group: Group, target: tuple[str, int], wanted: str, timeout: float, lag: float = 0
) -> tuple[bool, dict, dict]:
    """Bring a target to the wanted state: (whether it was changed, its state, the states of all)."""
    everyone = group.health()
    state = everyone.get(target, ABSENT)
    changed = False
    began = time.monotonic()
    deadline = began + timeout
    # What is draining is on its way out: to take it in again it has to be registered again.
    if wanted == "healthy" and state["state"] in (*GONE, "draining") and state["reason"] != "Target.NotInUse":
        group.register(*target)
        changed = True
    if wanted == "drained" and state["state"] not in (*GONE, "draining"):
        group.deregister(*target)
        changed = True
    reached = ("healthy",) if wanted == "healthy" else GONE
    left = changed or state["state"] == "draining"  # just now, by this run or by one that was killed
    while (changed or state["state"] not in reached) and time.monotonic() < deadline:
        everyone = group.health()
        state = everyone.get(target, ABSENT)
        if state["state"] in reached:
            break
        time.sleep(POLL_SECONDS)
    if wanted == "drained" and left:
        time.sleep(max(0, began + lag - time.monotonic()))
    return changed, state, everyone


def without_spare(everyone: dict, target: tuple[str, int], spares: dict) -> str:
    """Why a target cannot be spared, in words; empty where it can be, because another serves or it serves nobody."""
    states = dict.fromkeys(spares, "unregistered")
    for (spare, _port), health in everyone.items():
        states |= {name: health["state"] for name in spares if spares[name] == spare}
    if not spares or "healthy" in states.values() or everyone.get(target, ABSENT)["state"] != "healthy":
        return ""
    return ", ".join(f"{name} is {state}" for name, state in sorted(states.items()))


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "target_group": {"type": "str", "required": True},
            "target": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "state": {"type": "str", "choices": ["healthy", "drained"], "required": True},
            "spares": {"type": "dict", "default": {}},
            "lag": {"type": "int", "default": 0},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    target = (wanted["target"], wanted["port"])
    began = time.monotonic()
    try:
        group = Group(module.client("elbv2", retry_decorator=AWSRetry.jittered_backoff()), wanted["target_group"])
        if module.check_mode:
            everyone = group.health()
            state = everyone.get(target, ABSENT)
            differs = (state["state"] == "healthy") != (wanted["state"] == "healthy")
            module.exit_json(changed=differs, health=state, others={}, seconds=0)
        if wanted["state"] == "drained" and (others := without_spare(group.health(), target, wanted["spares"])):
            module.fail_json(
                msg=f"{target[0]}:{target[1]} is the last healthy target of target group {wanted['target_group']}, and "
                f"nobody would serve without it: {others}. It has not been touched"
            )
        changed, state, everyone = bring(group, target, wanted["state"], wanted["timeout"], wanted["lag"])
    except (ClientError, BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"target group {wanted['target_group']}, target {target[0]}:{target[1]}")
    result = {
        "changed": changed,
        "health": state,
        "others": {f"{key[0]}:{key[1]}": value for key, value in everyone.items() if key != target},
        "seconds": round(time.monotonic() - began, 1),
    }
    reached = ("healthy",) if wanted["state"] == "healthy" else GONE
    if state["state"] not in reached:
        words = " ".join(filter(None, [state["state"], state["reason"], state["description"]]))
        module.fail_json(
            msg=f"{target[0]}:{target[1]} is not {wanted['state']} in target group {wanted['target_group']} "
            f"after {wanted['timeout']} s; the load balancer says: {words}",
            **result,
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
