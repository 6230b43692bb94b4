"""provision.yml against the API alone: foretold, made, made again without a call that changes anything, mended."""

from __future__ import annotations

import re
from collections import Counter

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
