"""CIDR blocks as AWS keeps them: 100.68.0.18/18 is 100.68.0.0/18, in networks, routes and rules of security groups alike."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network

from ..request import Call

_MEMBERS = re.compile(r"(?:.+\.)?(CidrIp|CidrIpv4|CidrIpv6|CidrBlock|DestinationCidrBlock|DestinationIpv6CidrBlock)")


def normalize(call: Call) -> None:
    """Rewrite the call's blocks of addresses in their canonical form; leave what is none to the refusals."""
    if call.service == "ec2" and call.is_change:
        call.rewrite(lambda name, value: _block(value) if _MEMBERS.fullmatch(name) else value)


def _block(text: str) -> str:
    kind = IPv6Network if ":" in text else IPv4Network
    try:
        return str(kind(text, strict=False)) if "/" in text else text
    except ValueError:
        return text
