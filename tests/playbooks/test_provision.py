"""provision.yml against the API alone: foretold, made, made again without a call that changes anything, mended, and
where parameters were lost: what the API alone can bring back, and what is refused before anything is made.

By a user who has the rights of docs/operator-policy.json and no other. The tests share an account, in their order.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.module_utils.look import Look
from ansible_collections.tandem.platform.plugins.modules import survey, verify_plan

from localcloud.testing import Endpoint, Stack
from tests.support.account import listing

from .conftest import DEMANDED, REFUSALS, Playbook, since

PATH = "/tandem/local/"
KEY, MASTER, APPLICATION = PATH + "ssh/private-key", PATH + "database/master-password", PATH + "database/app-password"


@pytest.fixture(scope="module")
def at_first(cloud: Endpoint) -> set[str]:
    return listing(cloud.client)


def changed(output: str) -> int:
    [count] = re.findall(r"^localhost .*changed=(\d+)", output, re.MULTILINE)
    return int(count)


@pytest.mark.usefixtures("at_first")
def test_from_nothing_to_everything_and_again(operator: Playbook, cloud: Endpoint) -> None:
    before = len(cloud.journal(mutating=True))
    check = operator("provision", "--check")
    assert check.returncode == 0, check.stdout
    assert changed(check.stdout) > 0
    assert since(cloud, before) == {}, "check mode changed an empty account"

    made = operator("provision")
    assert made.returncode == 0, made.stdout
    assert "PRIVATE KEY" not in made.stdout
    actions = since(cloud, before)
    assert actions["RunInstances"] == 4
    assert actions["CreateSubnet"] == 6

    mutating = len(cloud.journal(mutating=True))
    for arguments in ((), ("--check",)):
        again = operator("provision", *arguments)
        assert again.returncode == 0, again.stdout
        assert changed(again.stdout) == 0
        assert since(cloud, mutating) == {}


def test_an_organization_finds_its_tags_and_its_boundary(cloud: Endpoint) -> None:
    ec2, elbv2, rds, ssm, iam = map(cloud.client, ("ec2", "elbv2", "rds", "ssm", "iam"))

    def tagged(key: str, value: str) -> set[str]:
        filters = [{"Name": "key", "Values": [key]}, {"Name": "value", "Values": [value]}]
        return {tag["ResourceId"] for tag in ec2.describe_tags(Filters=filters)["Tags"]}

    assert tagged("CostCenter", "42") == tagged("Environment", "local") != set()
    role = iam.get_role(RoleName="tandem-local-host")["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == DEMANDED["permissions_boundary"]
    [database] = rds.describe_db_instances()["DBInstances"]
    [subnets] = rds.describe_db_subnet_groups(DBSubnetGroupName="tandem-local-database")["DBSubnetGroups"]
    arns = [balancer["LoadBalancerArn"] for balancer in elbv2.describe_load_balancers()["LoadBalancers"]]
    arns += [group["TargetGroupArn"] for group in elbv2.describe_target_groups()["TargetGroups"]]
    others = [
        role["Tags"],
        iam.get_instance_profile(InstanceProfileName="tandem-local-host")["InstanceProfile"]["Tags"],
        database["TagList"],
        rds.list_tags_for_resource(ResourceName=subnets["DBSubnetGroupArn"])["TagList"],
        ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=MASTER)["TagList"],
        *(found["Tags"] for found in elbv2.describe_tags(ResourceArns=arns)["TagDescriptions"]),
    ]
    assert all({"Key": "CostCenter", "Value": "42"} in tags for tags in others), others


def test_what_the_verification_reads(cloud: Endpoint) -> None:
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


def test_a_part_mends_its_drift_and_nothing_else(operator: Playbook, cloud: Endpoint) -> None:
    """A rule opened by hand, a route deleted."""
    ec2 = cloud.client("ec2")
    names = [{"Name": "group-name", "Values": ["tandem-local-database"]}]
    [group] = ec2.describe_security_groups(Filters=names)["SecurityGroups"]
    hole = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[hole])
    names = [{"Name": "tag:Name", "Values": ["tandem-local-private-1"]}]
    [table] = ec2.describe_route_tables(Filters=names)["RouteTables"]
    ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")
    for tags, mends in (("load_balancers", {"RevokeSecurityGroupIngress": 1}), ("network", {"CreateRoute": 1})):
        mutating = len(cloud.journal(mutating=True))
        mended = operator("../site", "--tags", tags)
        assert mended.returncode == 0, mended.stdout
        assert since(cloud, mutating) == mends
    for tags in ("secrets", "security_groups", "database", "hosts"):
        alone = operator("../site", "--tags", tags)
        assert (alone.returncode, changed(alone.stdout)) == (0, 0), alone.stdout


def test_a_database_restarts_for_its_parameters_only_when_told_to(operator: Playbook, cloud: Endpoint) -> None:
    """As after a restore by hand: it booted with another parameter group, and RDS reads the one put back at a restart."""
    rds, name = cloud.client("rds"), "tandem-local-database"
    engine = rds.describe_db_instances()["DBInstances"][0]["EngineVersion"].split(".")[0]
    rds.create_db_parameter_group(
        DBParameterGroupName="other", DBParameterGroupFamily=f"postgres{engine}", Description="Another"
    )
    rds.modify_db_instance(DBInstanceIdentifier=name, DBParameterGroupName="other", ApplyImmediately=True)
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig={"Delay": 1})
    rds.reboot_db_instance(DBInstanceIdentifier=name)
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig={"Delay": 1})
    for options, happens in (((), {"ModifyDBInstance": 1}), (("-e", "database_reboot=true"), {"RebootDBInstance": 1})):
        mutating = len(cloud.journal(mutating=True))
        done = operator("../site", "--tags", "database", *options)
        assert done.returncode == 0, done.stdout
        assert since(cloud, mutating) == happens
        assert ("Do it with: -e database_reboot=true" in " ".join(done.stdout.split())) is not bool(options)
    rds.delete_db_parameter_group(DBParameterGroupName="other")


def test_what_is_there_twice_goes(operator: Playbook, cloud: Endpoint) -> None:
    """Calls that were sent again after their answer was lost, and did their work twice: what nothing uses goes."""
    before = listing(cloud.client)
    double_everything(cloud)
    assert len(listing(cloud.client) - before) > 4
    mended = operator("provision")
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


def values(cloud: Endpoint) -> dict[str, str]:
    pages = (
        cloud.client("ssm")
        .get_paginator("get_parameters_by_path")
        .paginate(Path=PATH.rstrip("/"), Recursive=True, WithDecryption=True)
    )
    return {parameter["Name"]: parameter["Value"] for page in pages for parameter in page["Parameters"]}


def lose(cloud: Endpoint, *names: str) -> None:
    cloud.client("ssm").delete_parameters(Names=list(names))


@pytest.fixture(scope="module")
def before(cloud: Endpoint) -> dict[str, str]:
    """The parameters' values before any is lost."""
    return values(cloud)


def test_lost_parameters_come_back(operator: Playbook, cloud: Endpoint, before: dict[str, str]) -> None:
    lose(cloud, KEY, MASTER, APPLICATION)
    calls = len(cloud.journal(mutating=True))
    foretold = operator("provision", "--check")
    assert foretold.returncode == 0, foretold.stdout
    assert since(cloud, calls) == {}

    back = operator("provision")
    assert back.returncode == 0, back.stdout
    assert all(f"Lost: {name}" in back.stdout for name in (KEY, MASTER, APPLICATION)), back.stdout
    after = values(cloud)
    assert after[KEY] == before[KEY]
    assert after[MASTER] != before[MASTER]
    assert APPLICATION not in after, "a new one would be refused to the backends that run: deploy.yml asks them first"
    assert since(cloud, calls) == {"PutParameter": 3, "ModifyDBInstance": 1, "DeleteParameter": 1}
    assert not set(before.values()) & set(back.stdout.split())


def test_a_recovery_that_was_killed_goes_on(operator: Playbook, cloud: Endpoint) -> None:
    """Between the database and the parameter: what lies beside its place is what the database has."""
    new: dict[str, Any] = {"Name": MASTER + "-next", "Value": "x" * 32, "Type": "SecureString"}
    cloud.client("ssm").put_parameter(**new)
    calls = len(cloud.journal(mutating=True))
    assert operator("../site", "--tags", "secrets").returncode == 0
    assert since(cloud, calls) == {"ModifyDBInstance": 1, "PutParameter": 1, "DeleteParameter": 1}
    assert values(cloud)[MASTER] == new["Value"]
    assert new["Name"] not in values(cloud)


def test_without_a_key_that_fits_nothing_is_made(operator: Playbook, cloud: Endpoint, tmp_path: Path) -> None:
    lose(cloud, KEY, MASTER)
    calls = len(cloud.journal(mutating=True))
    refused = operator("provision", "-e", f"secrets_ssh_copy={tmp_path}/none")
    assert refused.returncode != 0
    assert "Nothing has been made. Run site.yml on a machine that has reached the hosts" in " ".join(
        refused.stdout.split()
    )
    assert since(cloud, calls) == {}


def test_without_hosts_a_new_key_takes_its_place(operator: Playbook, cloud: Endpoint, before: dict[str, str]) -> None:
    ec2 = cloud.client("ec2")
    hosts = ec2.describe_instances()["Reservations"]
    ec2.terminate_instances(InstanceIds=[item["InstanceId"] for host in hosts for item in host["Instances"]])
    [old] = ec2.describe_key_pairs()["KeyPairs"]
    assert KEY not in values(cloud)
    assert operator("../site", "--tags", "hosts").returncode == 0
    [new] = ec2.describe_key_pairs()["KeyPairs"]
    assert new["KeyFingerprint"] != old["KeyFingerprint"]
    assert values(cloud)[KEY] != before[KEY]


def test_a_teardown_leaves_an_environment_whose_name_begins_like_its_own(
    operator: Playbook, cloud: Endpoint, at_first: set[str]
) -> None:
    before = listing(cloud.client)
    Stack(cloud.client, "tandem", "local-2", "10.70").make()
    other = listing(cloud.client) - before
    done = operator("teardown", "-e", "confirm=tandem-local", "-e", "teardown_final_snapshot=false")
    assert done.returncode == 0, done.stdout
    assert listing(cloud.client) == at_first | other


def test_the_operator_was_refused_nothing(cloud: Endpoint) -> None:
    refused = [call for call in cloud.journal() if call["error"] in REFUSALS]
    assert refused == []
