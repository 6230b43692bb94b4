"""Teardown of a whole environment: deletions by hand, look-alikes, snapshots, protection, the sweep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.testing import Endpoint, Stack
from tests.support.sample import of_the_day

from .gone import KINDS, Environment, Pass, Resource, environment, find_all, find_others, stack, tear_down

KINDS_BY_HAND = ("instance", "load balancer", "NAT gateway", "route table", "security group", "role")
SAMPLE = 3


@pytest.mark.parametrize("by_hand", of_the_day(KINDS_BY_HAND, SAMPLE))
def test_what_was_deleted_by_hand_is_not_missed(
    endpoint: Endpoint, account: Callable[[], set[str]], by_hand: str
) -> None:
    before = account()
    stack(endpoint).make()
    target = environment(endpoint)
    victim = next(resource for resource in find_all(target) if resource.kind == by_hand)
    kind = next(kind for kind in KINDS if kind.name == by_hand)
    work = Pass(target, True)
    work._delete_one(victim, kind.delete)  # refused where something still uses it, as by hand
    tear_down(endpoint)
    assert account() == before


def test_look_alikes_survive(endpoint: Endpoint, account: Callable[[], set[str]]) -> None:
    longer = stack(endpoint, "gone-2", "10.61").make()
    ec2 = endpoint.client("ec2")
    foreign = ec2.create_vpc(CidrBlock="10.62.0.0/16")["Vpc"]["VpcId"]
    ec2.create_security_group(GroupName="tandem-gone-frontend", Description="foreign", VpcId=foreign)
    endpoint.client("ssm").put_parameter(Name="/tandem/gone-2/mine", Value="kept", Type="String")
    others = account()
    stack(endpoint).make()
    tear_down(endpoint)
    assert account() == others
    Pass(Environment("tandem", longer.env, endpoint.client), True).run(60)


def test_environments_of_similar_names_survive(endpoint: Endpoint, account: Callable[[], set[str]]) -> None:
    """Prefixes of one another, other cases, and names that are the same once composed (tandem-gone + xx, tandem + gone-xx)."""
    similar = [("tandem", "gone1"), ("tandem-gone", "xx")]
    for number, (project, env) in enumerate(similar, 61):
        Stack(endpoint.client, project, env, f"10.{number}").make()
    paths = ("/tandem/Gone/mine", "/tandem/gone1/mine", "/tandem-gone/xx/mine", "/gone/mine", "/x/tandem/gone/mine")
    for path in paths:
        endpoint.client("ssm").put_parameter(Name=path, Value="kept", Type="String")
    others = account()
    for env in ("gone", "gone-xx"):
        making = Stack(endpoint.client, "tandem", env, "10.60").build()
        for _step in ("vpc", "internet gateway", "subnets"):
            next(making)
        endpoint.client("ssm").put_parameter(Name=f"/tandem/{env}/secret", Value="x", Type="String")
        assert account() > others
        work = Pass(Environment("tandem", env, endpoint.client), True)
        work.run(60)
        assert (account(), work.refused) == (others, {})
    endpoint.client("ssm").delete_parameters(Names=list(paths))
    for names in similar:
        Pass(Environment(*names, endpoint.client), True).run(60)


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "/", "gone/", "go*", "gon?", "Gone", "gone\n", None, "gone-", "g" * 13]
)
def test_no_environment_without_a_whole_name(endpoint: Endpoint, name: Any) -> None:
    for project, env in ((name, "gone"), ("tandem", name)):
        with pytest.raises(ValueError, match=r"(project|env_name) = "):
            Environment(project, env, endpoint.client)


def test_the_code_that_deletes_looks_once_more(endpoint: Endpoint) -> None:
    """Whatever a search has found: what bears other tags, or lies under another path, is refused."""
    target = environment(endpoint)
    target.vpc_ids = ["vpc-1"]
    own, other = ("tandem", "gone"), ("tandem", "other")
    deleted: list[str] = []
    work = Pass(target, True)
    for resource in (
        Resource("subnet", "own", owner=own),
        Resource("subnet", "untagged", vpc_ids=("vpc-1",)),
        Resource("parameter", "/tandem/gone/a"),
        Resource("subnet", "other", owner=other),
        Resource("subnet", "another in the VPC", owner=other, vpc_ids=("vpc-1",)),
        Resource("subnet", "half", owner=("tandem", "")),
        Resource("subnet", "other case", owner=("tandem", "Gone")),
        Resource("subnet", "composed alike", owner=("tandem-gone", "")),
        Resource("subnet", "elsewhere", vpc_ids=("vpc-2",)),
        Resource("parameter", "/tandem/gone", owner=own),
        Resource("parameter", "/tandem/gone1/a", owner=own),
        Resource("parameter", "/tandem//a", owner=own),
    ):
        work._delete_one(resource, lambda _client, gone: deleted.append(gone.id))
    assert deleted == ["own", "untagged", "/tandem/gone/a"]
    assert len(work.refused) == 9


def test_what_hangs_in_the_vpc_without_tags_goes_too(endpoint: Endpoint, account: Callable[[], set[str]]) -> None:
    before = account()
    made = stack(endpoint).make()
    ec2 = endpoint.client("ec2")
    group = ec2.create_security_group(GroupName="by-hand", Description="x", VpcId=made.ids["vpc"])["GroupId"]
    ec2.create_network_interface(SubnetId=made.ids["private0"], Groups=[group])
    ec2.create_route_table(VpcId=made.ids["vpc"])
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": made.ids["frontend"]}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    tear_down(endpoint)
    assert account() == before


def test_another_environments_resource_in_the_vpc_is_told(endpoint: Endpoint) -> None:
    made = stack(endpoint).make()
    tags = [{"Key": "Project", "Value": "tandem"}, {"Key": "Environment", "Value": "other"}]
    other = endpoint.client("ec2").create_security_group(
        GroupName="other",
        Description="x",
        VpcId=made.ids["vpc"],
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]
    assert ("tandem", "other") in {resource.owner for resource in find_all(environment(endpoint))}
    work = Pass(environment(endpoint), True)
    work.run(60)
    assert [resource.id for resource in work.refused] == [other]
    endpoint.client("ec2").delete_security_group(GroupId=other)
    tear_down(endpoint)


def test_the_final_snapshot_stays_until_it_is_to_go(endpoint: Endpoint, account: Callable[[], set[str]]) -> None:
    before = account()
    stack(endpoint).make()
    rds = endpoint.client("rds")
    rds.get_waiter("db_instance_available").wait(WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    tear_down(endpoint, "tandem-gone-final-20260101000000", with_snapshots=False)
    assert account() - before == {"rds:DBSnapshots:tandem-gone-final-20260101000000"}
    tear_down(endpoint)
    assert account() == before


def test_what_is_protected_is_told(endpoint: Endpoint) -> None:
    stack(endpoint).make()
    rds, elb = endpoint.client("rds"), endpoint.client("elbv2")
    rds.get_waiter("db_instance_available").wait(WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def protect(on: bool) -> None:
        rds.modify_db_instance(DBInstanceIdentifier="tandem-gone", DeletionProtection=on, ApplyImmediately=True)
        for balancer in elb.describe_load_balancers()["LoadBalancers"]:
            attribute = {"Key": "deletion_protection.enabled", "Value": str(on).lower()}
            elb.modify_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"], Attributes=[attribute])

    protect(True)
    found = {resource.kind for resource in find_all(environment(endpoint)) if resource.protected}
    assert found == {"database", "load balancer"}
    work = Pass(environment(endpoint), True)
    work.run(1)
    assert {resource.kind for resource in work.refused} == {"database", "load balancer"}
    protect(False)
    tear_down(endpoint)


def test_the_sweep_names_what_no_kind_covers(endpoint: Endpoint) -> None:
    ec2 = endpoint.client("ec2")
    tags = [{"Key": "Project", "Value": "tandem"}, {"Key": "Environment", "Value": "gone"}]
    template = ec2.create_launch_template(
        LaunchTemplateName="by-hand",
        LaunchTemplateData={"InstanceType": "t3.micro"},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags}],
    )["LaunchTemplate"]["LaunchTemplateId"]
    assert [resource.id for resource in find_others(environment(endpoint))] == [template]
    ec2.delete_launch_template(LaunchTemplateId=template)


@pytest.mark.parametrize("call", ["DescribeTags", "DescribeLoadBalancerAttributes"])
def test_a_load_balancer_that_goes_while_it_is_looked_at(endpoint: Endpoint, call: str) -> None:
    """Between two calls of one look, by whomever: the other one is found all the same."""
    stack(endpoint).make()
    elb = endpoint.client("elbv2")
    first, second = sorted(item["LoadBalancerArn"] for item in elb.describe_load_balancers()["LoadBalancers"])
    gone: list[str] = []

    def delete(**_: object) -> None:
        if not gone:
            gone.append(first)
            elb.delete_load_balancer(LoadBalancerArn=first)

    event = f"before-call.elastic-load-balancing-v2.{call}"
    elb.meta.events.register(event, delete)
    try:
        found = {resource.id for resource in find_all(environment(endpoint)) if resource.kind == "load balancer"}
    finally:
        elb.meta.events.unregister(event, delete)
    assert gone
    assert second in found
    tear_down(endpoint)
