"""provision.yml against the API alone: foretold, made, made again without a call that changes anything, mended."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from ansible_collections.tandem.platform.plugins.module_utils.look import Look
from ansible_collections.tandem.platform.plugins.modules import survey, verify_plan

from localcloud.testing import Endpoint
from tests.support.account import listing

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

    what_the_verification_reads(cloud)

    # Drift: a rule opened by hand, a route deleted. A run of the part mends it, and only it.
    ec2 = cloud.client("ec2")
    names = [{"Name": "group-name", "Values": ["tandem-local-database"]}]
    [group] = ec2.describe_security_groups(Filters=names)["SecurityGroups"]
    hole = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[hole])
    names = [{"Name": "tag:Name", "Values": ["tandem-local-private-1"]}]
    [table] = ec2.describe_route_tables(Filters=names)["RouteTables"]
    ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")
    mutating = len(cloud.journal(mutating=True))
    for tags, mends in (("load_balancers", ["RevokeSecurityGroupIngress"]), ("network", ["CreateRoute"])):
        mended = playbook("../site", "--tags", tags)
        assert mended.returncode == 0, mended.stdout
        assert [call["action"] for call in cloud.journal(mutating=True)[mutating:]] == mends
        mutating = len(cloud.journal(mutating=True))
    for tags in ("secrets", "security_groups", "database", "hosts"):
        alone = playbook("../site", "--tags", tags)
        assert (alone.returncode, changed(alone.stdout)) == (0, 0), alone.stdout

    # Calls that were sent again after their answer was lost, and did their work twice: what nothing uses goes.
    before = listing(cloud.client)
    double_everything(cloud)
    assert len(listing(cloud.client) - before) > 4
    mended = playbook("provision")
    assert mended.returncode == 0, mended.stdout
    assert listing(cloud.client) == before


def what_the_verification_reads(cloud: Endpoint) -> None:
    """An interface, a listener rule and a target's port more, as they are told beside the environment's own."""
    ec2, elbv2 = cloud.client("ec2"), cloud.client("elbv2")

    def look() -> dict[str, Any]:
        return survey.survey(Look(cloud.client, "tandem", "local"), "t3.micro")

    found = look()
    hosts = [*found["instances"]]
    own = {item["owner"]: item["groups"] for item in verify_plan.interfaces(ec2, found)}
    tiers = {"public": "public_alb", "internal": "internal_alb", "database": "database"}
    tiers |= {name: name.split("-")[0] for name in hosts}
    assert own == {**{name: [tier] for name, tier in tiers.items()}, "": []}, "the NAT gateway's has no group"
    assert verify_plan.listener_rules(elbv2, found["load_balancers"]) == []
    [endpoint] = found["endpoints"].values()
    assert [*found["route_tables"]["private-1"]["other_routes"].values()] == [endpoint["id"]]
    assert found["route_tables"]["isolated"]["other_routes"] == {}

    # A stranger's group takes nobody's place, whatever it is called.
    named = {"GroupName": "backend", "Description": "Of a stranger", "VpcId": found["vpc"]["id"]}
    stranger = ec2.create_security_group(**named)["GroupId"]
    groups = look()["security_groups"]
    assert groups["backend"] == found["security_groups"]["backend"]
    assert stranger in groups
    ec2.delete_security_group(GroupId=stranger)

    # What anybody can write, a description, makes nobody the database.
    interface = ec2.create_network_interface(
        SubnetId=found["subnets"]["private-1"]["id"],
        Groups=[found["security_groups"]["database"]["id"]],
        Description="RDSNetworkInterface",
    )["NetworkInterface"]["NetworkInterfaceId"]
    arn = found["load_balancers"]["public"]["arn"]
    redirect = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_302", "Host": "example.org"}}
    rule = elbv2.create_rule(
        ListenerArn=elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]["ListenerArn"],
        Priority=7,
        Conditions=[
            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/", "/a"]}},
            {"Field": "host-header", "Values": ["example.com"]},
        ],
        Actions=[redirect],
    )["Rules"][0]["RuleArn"]
    target = {"Id": found["instances"]["frontend-1"]["id"], "Port": 5099}
    group = found["target_groups"]["frontend"]["arn"]
    # A host is registered by its release; there is none here.
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": target["Id"]}, target])

    strangers = [item for item in verify_plan.interfaces(ec2, found) if item["id"] == interface]
    described = {"description": "RDSNetworkInterface", "owner": "", "groups": ["database"], "public_addresses": []}
    assert strangers == [{"id": interface, **described}]
    said = "path-pattern / or /a and host-header example.com to redirect"
    rules = verify_plan.listener_rules(elbv2, found["load_balancers"])
    assert rules == [{"balancer": "public", "port": "80", "rule": said}]
    assert {"frontend-1", "frontend-1:5099"} <= look()["target_groups"]["frontend"]["targets"].keys()

    elbv2.deregister_targets(TargetGroupArn=group, Targets=[{"Id": target["Id"]}, target])
    elbv2.delete_rule(RuleArn=rule)
    ec2.delete_network_interface(NetworkInterfaceId=interface)


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
