"""provision.yml against the API alone: foretold, made, made again without a call that changes anything, mended."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tests.support.account import listing
from tests.support.api import Endpoint

from .conftest import Playbook


def changed(output: str) -> int:
    [count] = re.findall(r"^localhost .*changed=(\d+)", output, re.MULTILINE)
    return int(count)


def test_from_nothing_to_everything_and_again(playbook: Playbook, cloud: Endpoint) -> None:
    check = playbook("provision", "--check")
    assert check.returncode == 0, check.stdout
    assert changed(check.stdout) > 0
    assert cloud.journal(mutating=True) == [], "check mode changed an empty account"

    made = playbook("provision")
    assert made.returncode == 0, made.stdout
    assert "PRIVATE KEY" not in made.stdout
    mutating = len(cloud.journal(mutating=True))
    actions = Counter(call["action"] for call in cloud.journal(mutating=True))
    assert actions["RunInstances"] == 4
    assert actions["CreateSubnet"] == 6

    for arguments in ((), ("--check",)):
        again = playbook("provision", *arguments)
        assert again.returncode == 0, again.stdout
        assert changed(again.stdout) == 0
        assert len(cloud.journal(mutating=True)) == mutating, cloud.journal(mutating=True)[mutating:]

    # Drift: a rule opened by hand, a route deleted. The next run mends both, and only these.
    ec2 = cloud.client("ec2")
    names = [{"Name": "group-name", "Values": ["tandem-local-database"]}]
    [group] = ec2.describe_security_groups(Filters=names)["SecurityGroups"]
    hole = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[hole])
    names = [{"Name": "tag:Name", "Values": ["tandem-local-private-1"]}]
    [table] = ec2.describe_route_tables(Filters=names)["RouteTables"]
    ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")
    mutating = len(cloud.journal(mutating=True))
    mended = playbook("provision")
    assert mended.returncode == 0, mended.stdout
    actions = Counter(call["action"] for call in cloud.journal(mutating=True)[mutating:])
    assert actions == {"RevokeSecurityGroupIngress": 1, "CreateRoute": 1}

    # Calls that were sent again after their answer was lost, and did their work twice: what nothing uses goes.
    before = listing(cloud.client)
    double_everything(cloud)
    assert len(listing(cloud.client) - before) > 4
    mended = playbook("provision")
    assert mended.returncode == 0, mended.stdout
    assert listing(cloud.client) == before


def double_everything(cloud: Endpoint) -> None:
    """What has no name that AWS keeps unique, once more, under the environment's tags."""
    ec2 = cloud.client("ec2")

    def tags(kind: str, name: str) -> list[dict[str, Any]]:
        values = {"Project": "tandem", "Environment": "local", "Name": f"tandem-local-{name}"}
        return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in values.items()]}]

    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["tandem-local-vpc"]}])["Vpcs"]
    ec2.create_vpc(CidrBlock=vpc["CidrBlock"], TagSpecifications=tags("vpc", "vpc"))
    ec2.create_internet_gateway(TagSpecifications=tags("internet-gateway", "internet"))
    ec2.create_route_table(VpcId=vpc["VpcId"], TagSpecifications=tags("route-table", "private-1"))
    ec2.allocate_address(Domain="vpc", TagSpecifications=tags("elastic-ip", "nat-1"))
