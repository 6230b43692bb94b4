"""Security groups against a running API: made once, mended when changed by hand, silent in check mode."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.modules import security_groups

from localcloud.testing import Endpoint

pytestmark = pytest.mark.usefixtures("without_vpcs")
MATRIX = [
    {"from": "internet", "to": "front_end", "port": 80, "protocol": "tcp", "why": "Visitors"},
    {"from": "front_end", "to": "database", "port": 5432, "protocol": "tcp", "why": ""},
]


@pytest.fixture
def wish(cloud: Endpoint) -> dict[str, Any]:
    vpc_id = cloud.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return {
        "vpc_id": vpc_id,
        "prefix": "t-x",
        "tiers": {"front_end": "Front", "database": "Data"},
        "outsides": {"internet": "0.0.0.0/0"},
        "matrix": MATRIX,
        "tags": {"Project": "t"},
    }


def rules(ec2: Any, group_id: str) -> set[Any]:
    [group] = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    return security_groups.present_rules(group)


def test_groups_have_exactly_the_rules_of_the_matrix(cloud: Endpoint, wish: dict[str, Any]) -> None:
    ec2 = cloud.client("ec2")
    result = security_groups.ensure(ec2, wish, check_mode=False)
    front, data = result["ids"]["front_end"], result["ids"]["database"]
    assert result["changed"]
    assert rules(ec2, front) == {
        security_groups.Rule("ingress", "tcp", 80, 80, "0.0.0.0/0"),
        security_groups.Rule("egress", "tcp", 5432, 5432, data),
    }
    assert rules(ec2, data) == {security_groups.Rule("ingress", "tcp", 5432, 5432, front)}
    again = security_groups.ensure(ec2, wish, check_mode=False)
    assert not again["changed"]


def test_a_rule_added_by_hand_is_revoked(cloud: Endpoint, wish: dict[str, Any]) -> None:
    ec2 = cloud.client("ec2")
    group_id = security_groups.ensure(ec2, wish, check_mode=False)["ids"]["database"]
    open_to_all = security_groups.Rule("ingress", "tcp", 5432, 5432, "0.0.0.0/0")
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[open_to_all.permission()])
    assert open_to_all in rules(ec2, group_id)
    assert security_groups.ensure(ec2, wish, check_mode=True)["changed"]
    assert open_to_all in rules(ec2, group_id)
    assert security_groups.ensure(ec2, wish, check_mode=False)["changed"]
    assert open_to_all not in rules(ec2, group_id)


def test_check_mode_makes_no_group(cloud: Endpoint, wish: dict[str, Any]) -> None:
    before = len(cloud.journal(mutating=True))
    assert security_groups.ensure(cloud.client("ec2"), wish, check_mode=True)["changed"]
    assert len(cloud.journal(mutating=True)) == before
