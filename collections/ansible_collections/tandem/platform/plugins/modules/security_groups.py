#!/usr/bin/python
"""Ansible module: the security groups of an access matrix."""

from __future__ import annotations

DOCUMENTATION = r"""
module: security_groups
short_description: Make the security groups of an access matrix
description:
  - Makes one security group a tier, and gives it exactly the rules of the matrix. Rules between tiers refer to groups,
    in both directions; groups that refer to each other are why this is one module and not one run a group.
  - Rules that the matrix does not have are revoked, the one that AWS gives a new group (everything out) among them.
  - In place of M(amazon.aws.ec2_security_group), which revokes what is no longer wanted before it authorizes what is new, so
    that visitors are refused. It also takes two runs a group, of a second each, where groups refer to each other.
options:
  vpc_id:
    description: The VPC.
    type: str
    required: true
  prefix:
    description: First part of the groups' names. A group is named C(PREFIX-TIER), with hyphens for underscores.
    type: str
    required: true
  tiers:
    description: Each tier's name, and the description of its group (which AWS cannot change later).
    type: dict
    required: true
  outsides:
    description: Address ranges that the matrix calls by name, for example C(internet=0.0.0.0/0).
    type: dict
    default: {}
  matrix:
    description: Who may open a connection to whom. C(from) and C(to) are tiers or outsides.
    type: list
    elements: dict
    required: true
    suboptions:
      from: {description: Who opens the connection., type: str, required: true}
      to: {description: Who answers., type: str, required: true}
      port: {description: The port on which it answers., type: int, required: true}
      protocol: {description: The protocol., type: str, choices: [tcp, udp], default: tcp}
      why: {description: Becomes the rule's description., type: str, default: ""}
  tags:
    description: Tags of the groups. C(Name) and C(Tier) are added.
    type: dict
    default: {}
extends_documentation_fragment: [amazon.aws.common.modules, amazon.aws.region.modules, amazon.aws.boto3]
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Let the application reach its database, and nobody else
  tandem.platform.security_groups:
    vpc_id: vpc-0123
    prefix: tandem-main
    tiers: {backend: Application, database: PostgreSQL}
    matrix:
      - {from: backend, to: database, port: 5432}
"""

RETURN = r"""
ids:
  description: Identifier of each tier's group.
  returned: always
  type: dict
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says that botocore is missing.

MISSING = "sg-00000000000000000"  # stands for a group that check mode does not make


class Rule(NamedTuple):
    """other: a group's identifier or an address range. Ports are None where the protocol is all (-1)."""

    direction: str
    protocol: str
    from_port: int | None
    to_port: int | None
    other: str

    def permission(self, why: str = "") -> dict[str, Any]:
        """The rule as EC2 takes it."""
        text = {"Description": why} if why else {}
        ports = {} if self.from_port is None else {"FromPort": self.from_port, "ToPort": self.to_port}
        if self.other.startswith("sg-"):
            other: dict[str, Any] = {"UserIdGroupPairs": [{"GroupId": self.other, **text}]}
        elif self.other.startswith("pl-"):
            other = {"PrefixListIds": [{"PrefixListId": self.other, **text}]}
        elif ":" in self.other:
            other = {"Ipv6Ranges": [{"CidrIpv6": self.other, **text}]}
        else:
            other = {"IpRanges": [{"CidrIp": self.other, **text}]}
        return {"IpProtocol": self.protocol, **ports, **other}


def wanted_rules(tier: str, matrix: Iterable[dict[str, Any]], sides: dict[str, str]) -> dict[Rule, str]:
    """The rules of a tier's group, each with its reason. sides: name of a tier or outside -> group or range."""
    rules = {}
    for row in matrix:
        for direction, own, other in (("ingress", "to", "from"), ("egress", "from", "to")):
            if row[own] == tier:
                rules[Rule(direction, row["protocol"], row["port"], row["port"], sides[row[other]])] = row["why"]
    return rules


def present_rules(group: dict[str, Any]) -> set[Rule]:
    """The rules that a group has, one for each other side."""
    rules = set()
    for direction, key in (("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress")):
        for entry in group.get(key, []):
            others = [
                *(pair["GroupId"] for pair in entry.get("UserIdGroupPairs", [])),
                *(r["CidrIp"] for r in entry.get("IpRanges", [])),
                *(r["CidrIpv6"] for r in entry.get("Ipv6Ranges", [])),
                *(r["PrefixListId"] for r in entry.get("PrefixListIds", [])),
            ]
            everything = entry["IpProtocol"] == "-1"
            first, last = (None, None) if everything else (entry.get("FromPort"), entry.get("ToPort"))
            rules |= {Rule(direction, entry["IpProtocol"], first, last, other) for other in others}
    return rules


def read(ec2: Any, vpc_id: str, names: list[str]) -> dict[str, dict[str, Any]]:
    """The groups of these names in the VPC, by name."""
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": names}]
    return {group["GroupName"]: group for group in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]}


def create(ec2: Any, vpc_id: str, name: str, description: str, tags: dict[str, str]) -> None:
    """Create the group, and wait until it can be seen. That it exists is no error: a retried call finds itself."""
    specification = {"ResourceType": "security-group", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
    try:
        ec2.create_security_group(
            VpcId=vpc_id, GroupName=name, Description=description, TagSpecifications=[specification]
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidGroup.Duplicate":
            raise
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": [name]}]
    ec2.get_waiter("security_group_exists").wait(Filters=filters, WaiterConfig={"Delay": 2, "MaxAttempts": 30})


def adjust(ec2: Any, group_id: str, add: dict[Rule, str], remove: set[Rule]) -> None:
    """Open first, close after: a connection that stays allowed is never refused in between."""
    for direction in ("ingress", "egress"):
        permissions = [rule.permission(why) for rule, why in sorted(add.items()) if rule.direction == direction]
        if permissions:
            try:
                getattr(ec2, f"authorize_security_group_{direction}")(GroupId=group_id, IpPermissions=permissions)
            except ClientError as error:  # our own first try, whose answer was lost
                if error.response["Error"]["Code"] != "InvalidPermission.Duplicate":
                    raise
        permissions = [rule.permission() for rule in sorted(remove, key=str) if rule.direction == direction]
        if permissions:
            getattr(ec2, f"revoke_security_group_{direction}")(GroupId=group_id, IpPermissions=permissions)


def describe(rules: Iterable[Rule]) -> list[str]:
    """Rules in words, for --diff."""
    return sorted(f"{r.direction} {r.protocol} {r.from_port or 'all'} {r.other}" for r in rules)


def ensure(ec2: Any, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Make the groups and their rules; the module's result."""
    names = {tier: f"{params['prefix']}-{tier}".replace("_", "-") for tier in params["tiers"]}
    groups = read(ec2, params["vpc_id"], list(names.values()))
    missing = [tier for tier, name in names.items() if name not in groups]
    if missing and not check_mode:
        for tier in missing:
            tags = {**params["tags"], "Name": names[tier], "Tier": tier}
            create(ec2, params["vpc_id"], names[tier], params["tiers"][tier], tags)
        groups = read(ec2, params["vpc_id"], list(names.values()))
    ids = {tier: groups.get(name, {}).get("GroupId", MISSING) for tier, name in names.items()}
    sides = {**params["outsides"], **ids}
    before, after = {}, {}
    for tier, name in names.items():
        wanted = wanted_rules(tier, params["matrix"], sides)
        present = present_rules(groups.get(name, {}))
        before[tier], after[tier] = describe(present), describe(wanted)
        if not check_mode:
            adjust(ec2, ids[tier], {r: why for r, why in wanted.items() if r not in present}, present - wanted.keys())
    changed = bool(missing) or before != after
    return {"changed": changed, "ids": ids, "diff": {"before": before, "after": after}}


def main() -> None:
    row = {
        "from": {"type": "str", "required": True},
        "to": {"type": "str", "required": True},
        "port": {"type": "int", "required": True},
        "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
        "why": {"type": "str", "default": ""},
    }
    module = AnsibleAWSModule(
        argument_spec={
            "vpc_id": {"type": "str", "required": True},
            "prefix": {"type": "str", "required": True},
            "tiers": {"type": "dict", "required": True},
            "outsides": {"type": "dict", "default": {}},
            "matrix": {"type": "list", "elements": "dict", "required": True, "options": row},
            "tags": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    known = {*module.params["tiers"], *module.params["outsides"]}
    unknown = sorted({row[side] for row in module.params["matrix"] for side in ("from", "to")} - known)
    if unknown:
        module.fail_json(msg=f"matrix names {', '.join(unknown)}: allowed are {', '.join(sorted(known))}")
    try:
        result = ensure(module.client("ec2"), module.params, module.check_mode)
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg="The security groups cannot be made")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
