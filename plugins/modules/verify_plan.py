#!/usr/bin/python
"""Plans the probes of a verification, and reads from AWS what the survey leaves out."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_plan
short_description: Plan the probes of a verification
description:
  - Lists what is probed and asked from each place, from what the module M(survey) found.
  - Reads the volumes of the instances. Changes nothing.
options:
  found: {description: Result of the module M(survey)., type: dict, required: true}
  wanted: {description: What was promised; its ports are probed., type: dict, required: true}
  requests: {description: How often a load balancer is asked for each host behind it., type: int, default: 6}
"""

EXAMPLES = r"""
- name: Plan the probes
  verify_plan: {found: "{{ survey_found }}", wanted: "{{ wanted }}"}
"""

RETURN = r"""
found: {description: The survey, with C(volumes) and the time C(at)., returned: always, type: dict}
probes:
  description: Probes as the module M(verify_probe) takes them, C(inside) the network and C(outside).
  returned: always
  type: dict
asks: {description: Questions by host name; C(operator) for those from outside., returned: always, type: dict}
"""

import datetime  # noqa: E402

from ansible.module_utils.verification import access  # noqa: E402
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule  # noqa: E402

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:  # AnsibleAWSModule says so
    BotoCoreError = ClientError = Exception


def volumes(client, instances):
    """Instance name -> its volumes (id, encrypted)."""
    names = {item["id"]: name for name, item in instances.items()}
    found = {name: [] for name in instances}
    filters = [{"Name": "attachment.instance-id", "Values": sorted(names)}]
    for page in client.get_paginator("describe_volumes").paginate(Filters=filters) if names else ():
        for volume in page["Volumes"]:
            for attachment in volume["Attachments"]:
                if attachment["InstanceId"] in names:
                    entry = {"id": volume["VolumeId"], "encrypted": volume["Encrypted"]}
                    found[names[attachment["InstanceId"]]].append(entry)
    return found


def main():
    module = AnsibleAWSModule(
        argument_spec={
            "found": {"type": "dict", "required": True},
            "wanted": {"type": "dict", "required": True},
            "requests": {"type": "int", "default": 6},
        },
        supports_check_mode=True,
    )
    found, wanted = module.params["found"], module.params["wanted"]
    try:
        attached = volumes(module.client("ec2"), found["instances"])
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg="The volumes cannot be read")
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    module.exit_json(
        changed=False,
        found={**found, "volumes": attached, "at": at},
        probes={place: access.probes(found, wanted, outside=place == "outside") for place in ("inside", "outside")},
        asks=access.asks(found, wanted, module.params["requests"]),
    )


if __name__ == "__main__":
    main()
