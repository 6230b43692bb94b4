"""Security groups and their rules."""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import Any

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.request import Call

from .networks import network
from .quotas import RULES_OF_A_GROUP
from .rules import guards, refuse_if, want_match

ALPHABET = r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}"
PROTOCOLS = {"tcp", "udp", "icmp", "icmpv6", "-1", "all"} | {str(number) for number in range(256)}
PORTED = {"tcp", "udp", "6", "17"}
ICMP = {"icmp", "1"}
RULE_ALPHABET = r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}"
SOURCES = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
CHANGES_OF_RULES = tuple(
    f"ec2:{verb}SecurityGroup{what}"
    for verb, what in (
        ("Authorize", "Ingress"), ("Authorize", "Egress"), ("Revoke", "Ingress"), ("Revoke", "Egress"), ("Modify", "Rules"),
    )
)  # fmt: skip
DESCRIPTIONS = (
    "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
    "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
)


@guards("ec2:CreateSecurityGroup")
def a_group_is_well_named(call: Call) -> None:
    name, description = call.parameters.get("GroupName", ""), call.parameters.get("Description", "")
    for member, text in (("GroupName", name), ("GroupDescription", description)):
        refuse_if(not text, "MissingParameter", f"The request must contain the parameter {member}")
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
    params = call.parameters
    permissions = list(params.get("IpPermissions") or ())
    if params.get("IpProtocol"):
        permissions.append({**params, "IpRanges": [{"CidrIp": params["CidrIp"]}] if params.get("CidrIp") else []})
    refuse_if(
        not permissions and not params.get("SecurityGroupRuleIds") and not params.get("SourceSecurityGroupName"),
        "MissingParameter",
        "The request must contain the parameter ipPermissions",
    )
    for permission in permissions:
        _permission(permission, is_new=call.action.startswith("Authorize"))


@guards(*CHANGES_OF_RULES, *DESCRIPTIONS, "ec2:DeleteSecurityGroup")
def a_group_is_named(call: Call) -> None:
    named = call.parameters.get("GroupId") or call.parameters.get("GroupName")
    refuse_if(not named, "MissingParameter", "The request must contain the parameter groupName or groupId")


@guards("ec2:ModifySecurityGroupRules")
def a_changed_rule_is_well_formed(call: Call) -> None:
    for change in call.parameters.get("SecurityGroupRules") or ():
        rule = change.get("SecurityGroupRule") or {}
        sources = {
            "IpRanges": [{"CidrIp": rule["CidrIpv4"]}] if rule.get("CidrIpv4") else [],
            "Ipv6Ranges": [{"CidrIpv6": rule["CidrIpv6"]}] if rule.get("CidrIpv6") else [],
            "UserIdGroupPairs": [{"GroupId": rule["ReferencedGroupId"]}] if rule.get("ReferencedGroupId") else [],
            "PrefixListIds": [{"PrefixListId": rule["PrefixListId"]}] if rule.get("PrefixListId") else [],
        }
        _permission({**rule, **sources}, is_new=True)
        _described(rule)
        refuse_if(
            sum(len(one) for one in sources.values()) > 1,
            "InvalidParameterCombination",
            "Exactly one source may be specified for a security group rule",
        )


@guards(*CHANGES_OF_RULES, *DESCRIPTIONS)
def a_rule_is_well_described(call: Call) -> None:
    for permission in call.parameters.get("IpPermissions") or ():
        for source in SOURCES:
            for one in permission.get(source) or ():
                _described(one)
    for one in call.parameters.get("SecurityGroupRuleDescriptions") or ():
        _described(one)


def _described(one: dict[str, Any]) -> None:
    want_match(
        one.get("Description"),
        RULE_ALPHABET,
        "InvalidParameterValue",
        "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: "
        "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
    )


@guards(*DESCRIPTIONS)
def a_described_rule_exists(call: Call) -> None:
    group = moto_state.security_groups(call.region).get(call.parameters.get("GroupId", ""))
    if group is None:
        return
    rules = group.ingress_rules if call.action.endswith("Ingress") else group.egress_rules
    there = {(*_of(rule), source) for rule in rules for source in _sources_of(rule)}
    for permission in call.parameters.get("IpPermissions") or ():
        refuse_if(
            not {(*_of_params(permission), source) for source in _sources_of_params(permission)} <= there,
            "InvalidPermission.NotFound",
            "The specified rule does not exist in this security group.",
        )


def _of(rule: Any) -> tuple[str, Any, Any]:
    protocol = str(rule.ip_protocol)
    return (protocol, None, None) if protocol == "-1" else (protocol, rule.from_port, rule.to_port)


def _of_params(permission: dict[str, Any]) -> tuple[str, Any, Any]:
    protocol = str(permission.get("IpProtocol", "")).lower()
    protocol = {"6": "tcp", "17": "udp", "1": "icmp", "all": "-1"}.get(protocol, protocol)
    return (
        (protocol, None, None) if protocol == "-1" else (protocol, permission.get("FromPort"), permission.get("ToPort"))
    )


def _sources_of(rule: Any) -> list[str]:
    found = [rule.ip_range.get("CidrIp"), rule.ip_range.get("CidrIpv6"), rule.source_group.get("GroupId")]
    return [one for one in found if one]


def _sources_of_params(permission: dict[str, Any]) -> list[str]:
    members = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6", "UserIdGroupPairs": "GroupId"}
    return [one.get(name) for source, name in members.items() for one in permission.get(source) or ()]


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
    if protocol in ICMP:
        _icmp(first, last)
    for one in permission.get("IpRanges") or ():
        network(one.get("CidrIp", ""))
    for one in permission.get("Ipv6Ranges") or ():
        _network_of_ipv6(one.get("CidrIpv6", ""))
    sources = [*(permission.get(key) or () for key in SOURCES)]
    refuse_if(
        is_new and not any(sources) and "SourceSecurityGroupName" not in permission,
        "InvalidParameterValue",
        "Either CIDR IP or Source Group ID must be specified",
    )


def _icmp(kind: Any, code: Any) -> None:
    """Ports of an ICMP rule are its type and code, -1 for all."""
    for what, number in (("type", kind), ("code", code)):
        refuse_if(
            number is not None and not -1 <= int(number) <= 255,
            "InvalidParameterValue",
            f"ICMP {what} ({number}) out of range",
        )
    refuse_if(
        kind is not None and int(kind) == -1 and code not in (None, -1),
        "InvalidParameterValue",
        f"ICMP code ({code}) must be -1 where the type is -1",
    )


def _network_of_ipv6(text: str) -> None:
    try:
        IPv6Network(text if "/" in text else "", strict=False)
    except ValueError as error:
        raise AwsError("InvalidParameterValue", f"CIDR block {text} is malformed") from error


@guards("ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress")
def a_group_has_few_rules(call: Call) -> None:
    group = moto_state.security_groups(call.region).get(call.parameters.get("GroupId", ""))
    if group is None:
        return
    is_ingress = call.action.endswith("Ingress")
    there = len(group.ingress_rules if is_ingress else group.egress_rules)
    more = sum(len(one.get(key) or ()) for one in call.parameters.get("IpPermissions") or () for key in SOURCES)
    refuse_if(
        there + more > RULES_OF_A_GROUP,
        "RulesPerSecurityGroupLimitExceeded",
        "The maximum number of rules per security group has been reached.",
    )
