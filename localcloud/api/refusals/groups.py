"""Security groups and their rules."""

from __future__ import annotations

from typing import Any

from .. import moto_state
from ..request import Call
from .networks import network
from .quotas import RULES_OF_A_GROUP
from .rules import guards, refuse_if, want_match

ALPHABET = r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}"
PROTOCOLS = {"tcp", "udp", "icmp", "icmpv6", "-1", "all"} | {str(number) for number in range(256)}
PORTED = {"tcp", "udp", "6", "17"}


@guards("ec2:CreateSecurityGroup")
def a_group_is_well_named(call: Call) -> None:
    name, description = call.parameters.get("GroupName", ""), call.parameters.get("Description", "")
    refuse_if(
        name.lower().startswith("sg-"),
        "InvalidParameterValue",
        f"Value ({name}) for parameter groupName is invalid. Group names may not be in the format sg-*.",
    )
    refuse_if(name == "default", "InvalidParameterValue", "Cannot use reserved security group name: default")
    allowed = "Character sets beyond the allowed a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&;{}!$* are not supported."
    for member, text in (("groupName", name), ("groupDescription", description)):
        want_match(
            text, ALPHABET, "InvalidParameterValue", f"Invalid value for parameter {member}: '{text}'. {allowed}"
        )


@guards(
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
    "ec2:RevokeSecurityGroupEgress",
)
def a_rule_is_well_formed(call: Call) -> None:
    wish = call.parameters
    permissions = list(wish.get("IpPermissions") or ())
    if wish.get("IpProtocol"):
        permissions.append({**wish, "IpRanges": [{"CidrIp": wish["CidrIp"]}] if wish.get("CidrIp") else []})
    refuse_if(
        not permissions and not wish.get("SecurityGroupRuleIds") and not wish.get("SourceSecurityGroupName"),
        "MissingParameter",
        "The request must contain the parameter ipPermissions",
    )
    for permission in permissions:
        _permission(permission, is_new=call.action.startswith("Authorize"))


def _permission(permission: dict[str, Any], *, is_new: bool) -> None:
    protocol = str(permission.get("IpProtocol", "")).lower()
    refuse_if(
        protocol not in PROTOCOLS,
        "InvalidParameterValue",
        f"Invalid value '{protocol}' for IP protocol. Unknown protocol.",
    )
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if protocol in PORTED:
        refuse_if(
            first is None or last is None,
            "InvalidParameterValue",
            f"Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange. protocol {protocol}",
        )
        outside = not (0 <= int(first or 0) <= 65535 and 0 <= int(last or 0) <= 65535)
        refuse_if(
            outside, "InvalidParameterValue", f"Invalid value '{first}-{last}' for port range. Must be 0 to 65535."
        )
        refuse_if(
            int(first or 0) > int(last or 0), "InvalidParameterValue", f"Invalid TCP/UDP port range ({first}:{last})"
        )
    for one in permission.get("IpRanges") or ():
        network(one.get("CidrIp", ""))
    sources = [*(permission.get(key) or () for key in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"))]
    refuse_if(
        is_new and not any(sources) and "SourceSecurityGroupName" not in permission,
        "InvalidParameterValue",
        "Either CIDR IP or Source Group ID must be specified",
    )


@guards("ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress")
def a_group_has_few_rules(call: Call) -> None:
    group = moto_state.security_groups(call.region).get(call.parameters.get("GroupId", ""))
    if group is None:
        return
    is_ingress = call.action.endswith("Ingress")
    there = len(group.ingress_rules if is_ingress else group.egress_rules)
    sources = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
    more = sum(len(one.get(key) or ()) for one in call.parameters.get("IpPermissions") or () for key in sources)
    refuse_if(
        there + more > RULES_OF_A_GROUP,
        "RulesPerSecurityGroupLimitExceeded",
        "The maximum number of rules per security group has been reached.",
    )
