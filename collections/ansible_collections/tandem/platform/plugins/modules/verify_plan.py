#!/usr/bin/python
"""Plans the probes of a verification, and reads from AWS what the survey leaves out."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_plan
short_description: Plan the probes of a verification
description:
  - Lists what is probed and asked from each place, from what the module M(tandem.platform.survey) found.
  - Reads the volumes of the instances, the network interfaces of the VPC and the rules of the listeners. Changes nothing.
  - In place of M(amazon.aws.ec2_eni_info), M(amazon.aws.ec2_vol_info) and M(amazon.aws.elb_application_lb_info), at a second
    of start each; a template would have to join their answers with what the survey found.
options:
  found: {description: Result of the module M(tandem.platform.survey)., type: dict, required: true}
  wanted: {description: What was promised; its ports are probed., type: dict, required: true}
  requests: {description: How often a load balancer is asked for each host behind it., type: int, default: 6}
extends_documentation_fragment: [amazon.aws.common.modules, amazon.aws.region.modules, amazon.aws.boto3]
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Plan the probes
  tandem.platform.verify_plan: {found: "{{ survey_found }}", wanted: "{{ wanted }}"}
"""

RETURN = r"""
found:
  description: The survey, with C(volumes), C(interfaces), C(listener_rules) and the time C(at).
  returned: always
  type: dict
probes:
  description: Probes as the module M(tandem.platform.verify_probe) takes them, C(inside) the network and C(outside).
  returned: always
  type: dict
asks: {description: Questions by host name; C(operator) for those from outside., returned: always, type: dict}
"""

import datetime
from functools import partial
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.tandem.platform.plugins.module_utils.look import shown, side_by_side
from ansible_collections.tandem.platform.plugins.module_utils.verification import access

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says that botocore is missing.


def items(client: Any, operation: str, key: str, **arguments: Any) -> list[dict[str, Any]]:
    """All items under `key` of a paginated operation."""
    return [item for page in client.get_paginator(operation).paginate(**arguments) for item in page[key]]


def volumes(client: Any, instances: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Instance name -> its volumes (id, encrypted)."""
    names = {item["id"]: name for name, item in instances.items()}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in instances}
    filters = [{"Name": "attachment.instance-id", "Values": sorted(names)}]
    for volume in items(client, "describe_volumes", "Volumes", Filters=filters) if names else ():
        for attachment in volume["Attachments"]:
            if attachment["InstanceId"] in names:
                entry = {"id": volume["VolumeId"], "encrypted": volume["Encrypted"]}
                found[names[attachment["InstanceId"]]].append(entry)
    return found


def interfaces(client: Any, found: dict[str, Any]) -> list[dict[str, Any]]:
    """The network interfaces of the VPC, whosever they are: id, description, owner (a short name or empty), groups, and
    their public addresses."""
    groups = {item["id"]: name for name, item in found["security_groups"].items()}
    vpc = found["vpc"].get("id")
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    held = items(client, "describe_network_interfaces", "NetworkInterfaces", Filters=filters) if vpc else []
    return [
        {
            "id": item["NetworkInterfaceId"],
            # An instance's interface is seldom described.
            "description": shown(item.get("Description") or item.get("Attachment", {}).get("InstanceId", "")),
            "owner": owner(item, found),
            "groups": sorted(groups.get(group["GroupId"], shown(group["GroupName"])) for group in item["Groups"]),
            "public_addresses": [
                one["Association"]["PublicIp"]
                for one in item["PrivateIpAddresses"]
                if "PublicIp" in one.get("Association", {})
            ],
        }
        for item in held
    ]


def owner(interface: dict[str, Any], found: dict[str, Any]) -> str:
    """Short name of the host, load balancer or database of an interface; empty for anything else."""
    if instance := interface.get("Attachment", {}).get("InstanceId"):
        return next((name for name, item in found["instances"].items() if item["id"] == instance), "")
    # Anybody can write a description; that AWS asked for the interface, nobody can.
    description = interface.get("Description", "") if interface.get("RequesterManaged") else ""
    described = {f"ELB {item['arn'].split('/', 1)[1]}": name for name, item in found["load_balancers"].items()}
    return {**described, "RDSNetworkInterface": "database"}.get(description, "")


def listener_rules(client: Any, balancers: dict[str, Any]) -> list[dict[str, str]]:
    """Each rule of a listener beyond its default one: balancer, port, and the rule as `path-pattern /a to forward`."""
    return [
        {"balancer": name, "port": str(listener["Port"]), "rule": sentence(rule)}
        for name, balancer in balancers.items()
        for listener in items(client, "describe_listeners", "Listeners", LoadBalancerArn=balancer["arn"])
        for rule in items(client, "describe_rules", "Rules", ListenerArn=listener["ListenerArn"])
        if not rule["IsDefault"]
    ]


def sentence(rule: dict[str, Any]) -> str:
    """A rule in a few words: its conditions, and what its last action does with a request."""
    conditions = []
    for condition in rule["Conditions"]:
        configured = next((value for key, value in condition.items() if key.endswith("Config")), condition)
        values = configured.get("Values") or configured.get("RegexValues") or []
        conditions.append(shown(f"{condition['Field']} {' or '.join(map(str, values))}", 200))
    return f"{' and '.join(conditions)} to {rule['Actions'][-1]['Type']}"


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "found": {"type": "dict", "required": True},
            "wanted": {"type": "dict", "required": True},
            "requests": {"type": "int", "default": 6},
        },
        supports_check_mode=True,
    )
    found, wanted = module.params["found"], module.params["wanted"]
    ec2, elbv2 = module.client("ec2"), module.client("elbv2")
    try:
        attached, worn, rules = side_by_side(
            partial(volumes, ec2, found["instances"]),
            partial(interfaces, ec2, found),
            partial(listener_rules, elbv2, found["load_balancers"]),
        )
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg="The volumes, network interfaces or listener rules cannot be read")
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    module.exit_json(
        changed=False,
        found={**found, "volumes": attached, "interfaces": worn, "listener_rules": rules, "at": at},
        probes={place: access.probes(found, wanted, outside=place == "outside") for place in ("inside", "outside")},
        asks=access.asks(found, wanted, module.params["requests"]),
    )


if __name__ == "__main__":
    main()
