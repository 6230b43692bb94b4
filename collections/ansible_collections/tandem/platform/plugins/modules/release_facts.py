#!/usr/bin/python
"""Read from AWS, in one go, what a deployment needs to know."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_facts
short_description: Read an environment's releases, lock, target health and addresses
description:
  - Reads only. What does not exist yet is returned empty, and what is no record is warned of.
  - In place of M(community.aws.elb_target_info), M(amazon.aws.rds_instance_info) and the lookup
    P(amazon.aws.ssm_parameter#lookup), at a second of start each. The lookup fails where one record is malformed.
options:
  prefix: {description: Path of the environment in SSM Parameter Store., type: str, required: true}
  target_groups: {description: Name of the target group of each tier., type: dict, required: true}
  load_balancer: {description: Name of the internal load balancer., type: str, required: true}
  database: {description: Identifier of the database., type: str, required: true}
extends_documentation_fragment: [amazon.aws.common.modules, amazon.aws.region.modules, amazon.aws.boto3]
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Read what is deployed
  tandem.platform.release_facts:
    prefix: /tandem/main
    target_groups: {frontend: tandem-main-frontend, backend: tandem-main-backend}
    load_balancer: tandem-main-internal
    database: tandem-main-database
  register: state
"""

RETURN = r"""
releases: {description: "Records, oldest first.", type: list, elements: dict, returned: always}
current: {description: Number of the release that the fleet should run (0 if none)., type: int, returned: always}
previous: {description: Number of the release before that one (0 if none)., type: int, returned: always}
lineages:
  description: Of each release that worked, by its number, the releases that led to it and itself, oldest first.
  type: dict
  returned: always
lost: {description: Numbers between the others whose records were lost., type: list, elements: int, returned: always}
taken: {description: Numbers of what is no record., type: list, elements: int, returned: always}
malformed:
  description: What lies among the records and is none (C(name), and C(words) with the command that removes it).
  type: list
  elements: dict
  returned: always
parameters: {description: Names of the environment's other parameters., type: list, elements: str, returned: always}
lock: {description: "Who holds the lock, empty if nobody.", type: dict, returned: always}
targets:
  description: Health of the registered targets, by tier and target ID (C(state), C(reason), C(description)).
  type: dict
  returned: always
load_balancer: {description: DNS name of the internal load balancer., type: str, returned: always}
database: {description: "Endpoint of the database (C(host), C(port), C(status)).", type: dict, returned: always}
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import path_problem
from ansible_collections.tandem.platform.plugins.module_utils.release.records import Records, lineages, missing

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says that botocore is missing.


def read_targets(elb: Any, groups: dict) -> dict:
    result: dict[str, dict] = {}
    for tier, name in groups.items():
        result[tier] = {}
        try:
            group = elb.describe_target_groups(Names=[name], aws_retry=True)["TargetGroups"][0]
        except is_boto3_error_code("TargetGroupNotFound"):
            continue
        health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"], aws_retry=True)
        for target in health["TargetHealthDescriptions"]:
            state = target["TargetHealth"]
            name, port = target["Target"]["Id"], target["Target"]["Port"]
            # A second container of a host (release_surge) is a target on another port than the group's.
            result[tier][name if port == group["Port"] else f"{name}:{port}"] = {
                "state": state["State"],
                "reason": state.get("Reason", ""),
                "description": state.get("Description", ""),
                "port": port,
            }
    return result


def read_load_balancer(elb: Any, name: str) -> str:
    try:
        return elb.describe_load_balancers(Names=[name], aws_retry=True)["LoadBalancers"][0]["DNSName"]
    except is_boto3_error_code("LoadBalancerNotFound"):
        return ""


def read_database(rds: Any, identifier: str) -> dict:
    try:
        database = rds.describe_db_instances(DBInstanceIdentifier=identifier, aws_retry=True)["DBInstances"][0]
    except is_boto3_error_code("DBInstanceNotFound"):
        return {}
    endpoint = database.get("Endpoint", {})
    return {
        "host": endpoint.get("Address", ""),
        "port": endpoint.get("Port", 0),
        "status": database["DBInstanceStatus"],
    }


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "prefix": {"type": "str", "required": True},
            "target_groups": {"type": "dict", "required": True},
            "load_balancer": {"type": "str", "required": True},
            "database": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    if wrong := path_problem(module.params["prefix"]):
        module.fail_json(msg=wrong)
    retry = AWSRetry.jittered_backoff()
    ssm, elb, rds = (module.client(service, retry_decorator=retry) for service in ("ssm", "elbv2", "rds"))
    try:
        found = Records(ssm, module.params["prefix"]).look()
        records = [record for _number, record in sorted(found.records.items())]
        current, known = lineages(records)
        for item in found.malformed:
            module.warn(item["words"])
        module.exit_json(
            releases=records,
            lost=missing(found),
            taken=sorted(found.taken),
            malformed=found.malformed,
            parameters=found.names,
            current=current[-1] if current else 0,
            previous=current[-2] if len(current) > 1 else 0,
            lineages=known,
            lock=found.lock,
            targets=read_targets(elb, module.params["target_groups"]),
            load_balancer=read_load_balancer(elb, module.params["load_balancer"]),
            database=read_database(rds, module.params["database"]),
        )
    except (ClientError, BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"reading the environment {module.params['prefix']} failed")


if __name__ == "__main__":
    main()
