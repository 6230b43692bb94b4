#!/usr/bin/python
"""Write the record of a release to SSM Parameter Store."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_record
short_description: Write the record of a release
description:
  - A new record takes the next number; records that were still being rolled out are marked C(interrupted), because only
    the holder of the lock writes records.
  - A record that goes on being rolled out (C(number) given) is updated.
  - In place of M(community.aws.ssm_parameter), which writes what it is given; the next number, the records of runs that were
    killed and the end of old records need all of them read first, under the lock.
options:
  prefix: {description: Path of the environment in SSM Parameter Store., type: str, required: true}
  number: {description: Record to update; by default a new one is made., type: int}
  fields: {description: What to write; merged over what the record holds., type: dict}
  hosts:
    description:
      - Instead of C(fields) - records that were lost are written anew, from what the hosts run and keep. Each host has C(running)
        (C(release), 0 for none, and C(version)) and C(kept), a list of containers' settings.
    type: list
    elements: dict
  keep: {description: Number of records kept., type: int, default: 30}
  tags: {description: Tags of a new record., type: dict, default: {}}
extends_documentation_fragment: [amazon.aws.common.modules, amazon.aws.region.modules, amazon.aws.boto3]
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Begin a release
  tandem.platform.release_record:
    prefix: /tandem/main
    fields: {action: deploy, version: 1.2.3}
  register: begun

- name: Note how it ended
  tandem.platform.release_record:
    prefix: /tandem/main
    number: "{{ begun.record.number }}"
    fields: {result: deployed}
"""

RETURN = r"""
record: {description: The record as written., type: dict, returned: with fields}
rebuilt: {description: Records in place of lost ones., type: list, elements: dict, returned: with hosts}
names: {description: Their parameters., type: list, elements: str, returned: with hosts}
"""

import getpass
import json
import platform

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import path_problem
from ansible_collections.tandem.platform.plugins.module_utils.release.records import KEPT, Records, now, rebuilt

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says that botocore is missing.

MAX_VALUE = 4096  # characters in a standard parameter


class Writer(Records):
    """Records that are written and removed too. Only the lock's holder does so."""

    def write(self, record: dict, tags: dict | None = None) -> None:
        """tags: those of a new parameter; None overwrites one that exists."""
        if "reason" in record:
            room = MAX_VALUE - len(json.dumps({**record, "reason": ""}, ensure_ascii=True))
            # Parameter Store takes no {{…}}, which Ansible's own words may hold.
            reason = record["reason"].replace("{{", "{ {").replace("}}", "} }")
            record["reason"] = reason.encode("ascii", "replace").decode()[: max(0, room // 2)]
        extra = {"Overwrite": True} if tags is None else {"Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
        value = json.dumps(record, ensure_ascii=True)
        name = self.name(record["number"])
        try:
            self.ssm.put_parameter(Name=name, Value=value, Type="String", aws_retry=True, **extra)
        except is_boto3_error_code("ParameterAlreadyExists"):
            # Sent again because the answer was lost: its own record is there already.
            if self.ssm.get_parameter(Name=name, aws_retry=True)["Parameter"]["Value"] != value:
                raise

    def prune(self, numbers: list[int]) -> None:
        for first in range(0, len(numbers), 10):
            names = [self.name(number) for number in numbers[first : first + 10]]
            self.ssm.delete_parameters(Names=names, aws_retry=True)


def author() -> str:
    return f"{getpass.getuser()}@{platform.node()}"


def begin(records: Writer, fields: dict, tags: dict, keep: int) -> dict:
    """A new record with the next number. Of the old ones, those stay that say which release is the current one."""
    found = records.look()
    existing = dict(sorted(found.records.items()))
    for record in existing.values():
        if record["result"] == "rolling":
            records.write({**record, "result": "interrupted", "finished": now()})
    number = max([*existing, *found.taken], default=0) + 1
    record = {
        "number": number,
        "release": number,
        "who": author(),
        "started": now(),
        "result": "rolling",
        **fields,
    }
    records.write(record, tags)
    good = [old for old in existing if existing[old]["result"] == "deployed"]
    needed = {good[-1], existing[good[-1]]["release"]} if good else set()
    records.prune([old for old in sorted(existing)[: max(0, len(existing) + 1 - keep)] if old not in needed])
    return record


def rebuild(records: Writer, hosts: list[dict], tags: dict, check_mode: bool) -> list[dict]:
    """Records in place of those that were lost."""
    made = rebuilt(records.look(), hosts, author())
    for record in made if not check_mode else ():
        records.write(record, tags)
    return made


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "prefix": {"type": "str", "required": True},
            "number": {"type": "int"},
            "fields": {"type": "dict"},
            "hosts": {"type": "list", "elements": "dict"},
            "keep": {"type": "int", "default": KEPT},
            "tags": {"type": "dict", "default": {}},
        },
        mutually_exclusive=[("fields", "hosts")],
        required_one_of=[("fields", "hosts")],
        supports_check_mode=True,
    )
    if wrong := path_problem(module.params["prefix"]):
        module.fail_json(msg=wrong)
    wanted = module.params
    if module.check_mode and wanted["hosts"] is None:
        module.exit_json(changed=True, record={"number": wanted["number"] or 0, "release": 0, **wanted["fields"]})
    records = Writer(module.client("ssm", retry_decorator=AWSRetry.jittered_backoff()), wanted["prefix"])
    try:
        if wanted["hosts"] is not None:
            made = rebuild(records, wanted["hosts"], wanted["tags"], module.check_mode)
            names = [records.name(record["number"]) for record in made]
            module.exit_json(changed=bool(made), rebuilt=made, names=names)
        if wanted["number"] is None:
            record = begin(records, wanted["fields"], wanted["tags"], wanted["keep"])
        else:
            existing = records.look().records
            if wanted["number"] not in existing:
                known = ", ".join(map(str, sorted(existing))) or "none"
                module.fail_json(msg=f"number={wanted['number']}: no such release record; there are: {known}")
            record = existing[wanted["number"]] | wanted["fields"]
            if record["result"] != "rolling":
                record["finished"] = now()
            records.write(record)
    except (ClientError, BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"writing the release record under {wanted['prefix']} failed")
    module.exit_json(changed=True, record=record)


if __name__ == "__main__":
    main()
