"""Role security_groups: what AWS holds is the access matrix, no more and no less, and nothing refers to address ranges
but the two outsides."""

from pathlib import Path

import yaml

from localcloud.testing import Endpoint

PORTS = {"{{ frontend_port }}": 5000, "{{ backend_port }}": 5001}
OUTSIDES = {"internet": "0.0.0.0/0", "admin": "203.0.113.7/32"}


def matrix() -> set[tuple[str, str, int]]:
    """(from, to, port) of every line of the matrix."""
    lines = yaml.safe_load((Path(__file__).parents[2] / "group_vars/all/access.yml").read_text())["access_matrix"]
    return {(line["from"], line["to"], PORTS.get(line["port"], line["port"])) for line in lines}


def groups(endpoint: Endpoint) -> dict[str, dict]:
    mine = [{"Name": "tag:Environment", "Values": ["molecule"]}]
    found = endpoint.client("ec2").describe_security_groups(Filters=mine)["SecurityGroups"]
    return {group["GroupName"].removeprefix("tandem-molecule-").replace("-", "_"): group for group in found}


def sides(permission: dict, tiers: dict[str, str]) -> list[str]:
    """The other sides of a permission: tiers, or address ranges."""
    ranges = [entry["CidrIp"] for entry in permission["IpRanges"]] + [str(e) for e in permission.get("Ipv6Ranges", [])]
    return [tiers[pair["GroupId"]] for pair in permission["UserIdGroupPairs"]] + ranges


def opened(endpoint: Endpoint, direction: str) -> set[tuple[str, str, int]]:
    """(tier, other side, port) of every permission in one direction."""
    found = groups(endpoint)
    tiers = {group["GroupId"]: tier for tier, group in found.items()}
    result = set()
    for tier, group in found.items():
        for permission in group[direction]:
            assert permission["IpProtocol"] == "tcp", f"{tier}: {permission}"
            assert permission["FromPort"] == permission["ToPort"], f"{tier}: {permission}"
            result |= {(tier, side, permission["FromPort"]) for side in sides(permission, tiers)}
    return result


def test_what_comes_in_is_the_matrix(endpoint: Endpoint) -> None:
    wanted = {(to, OUTSIDES.get(source, source), port) for source, to, port in matrix() if to not in OUTSIDES}
    assert opened(endpoint, "IpPermissions") == wanted


def test_what_goes_out_is_the_matrix(endpoint: Endpoint) -> None:
    wanted = {(source, OUTSIDES.get(to, to), port) for source, to, port in matrix() if source not in OUTSIDES}
    assert opened(endpoint, "IpPermissionsEgress") == wanted


def test_the_comparison_would_notice_one_rule_more(endpoint: Endpoint) -> None:
    ec2, database = endpoint.client("ec2"), groups(endpoint)["database"]["GroupId"]
    rule = {"GroupId": database, "IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "CidrIp": "0.0.0.0/0"}
    before = opened(endpoint, "IpPermissions")
    ec2.authorize_security_group_ingress(**rule)
    try:
        assert opened(endpoint, "IpPermissions") - before == {("database", "0.0.0.0/0", 5432)}
    finally:
        ec2.revoke_security_group_ingress(**rule)
