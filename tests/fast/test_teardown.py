"""Teardown against the local cloud's API: half-made environments, deletions by hand, kills, look-alikes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.account import listing
from tests.support.api import Endpoint, api
from tests.support.plugins import load
from tests.support.stack import Stack

load("roles/teardown/library/environment_resources.py")  # makes the role's module_utils importable

from ansible.module_utils.teardown_account import Environment  # type: ignore[import-not-found]  # noqa: E402
from ansible.module_utils.teardown_kinds import KINDS, find_all, find_others  # type: ignore[import-not-found]  # noqa: E402
from ansible.module_utils.teardown_pass import Pass  # type: ignore[import-not-found]  # noqa: E402

NUMBER_OF_STEPS = 20


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with api() as running:
        yield running


@pytest.fixture(autouse=True)
def _clean(endpoint: Endpoint) -> Iterator[None]:
    """What a failed test leaves behind must not fail the next one."""
    yield
    Pass(environment(endpoint), True).run(30)


@pytest.fixture
def account(endpoint: Endpoint) -> Callable[[], set[str]]:
    return lambda: listing(endpoint.client)


def environment(endpoint: Endpoint, snapshot: str | None = None) -> Environment:
    return Environment("tandem", "gone", endpoint.client, snapshot)


def tear_down(endpoint: Endpoint, snapshot: str | None = None, with_snapshots: bool = True) -> Pass:
    work = Pass(environment(endpoint, snapshot), with_snapshots)
    work.run(60)
    assert work.refused == {}
    assert (work.waiting, work.held) == ({}, [])
    return work


def stack(endpoint: Endpoint, env: str = "gone", cidr: str = "10.60") -> Stack:
    return Stack(endpoint.client, "tandem", env, cidr)


@pytest.mark.parametrize("steps", range(1, NUMBER_OF_STEPS + 1))
def test_a_half_made_environment_goes_whole(endpoint: Endpoint, account: Callable[[], set[str]], steps: int) -> None:
    before = account()
    making = stack(endpoint).build()
    for _ in range(steps):
        next(making)
    assert account() > before
    tear_down(endpoint)
    assert account() == before


def test_a_teardown_that_is_stopped_anywhere_can_be_run_again(
    endpoint: Endpoint, account: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every delete call is the last one of some run."""
    before = account()
    stack(endpoint).make()
    original = Pass._delete_one

    class Killed(BaseException):
        pass

    def delete_one_and_die(self: Any, *arguments: Any) -> None:
        original(self, *arguments)
        if self.deleted:
            raise Killed

    runs = 0
    monkeypatch.setattr(Pass, "_delete_one", delete_one_and_die)
    while True:
        runs += 1
        try:
            Pass(environment(endpoint), True).run(60)
        except Killed:
            continue
        break
    assert account() == before
    assert runs > 30, "hardly anything was deleted"


@pytest.mark.parametrize(
    "by_hand", ["instance", "load balancer", "NAT gateway", "route table", "security group", "role"]
)
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
    endpoint.client("ec2").create_security_group(
        GroupName="other",
        Description="x",
        VpcId=made.ids["vpc"],
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )
    owners = {resource.owner for resource in find_all(environment(endpoint))}
    assert "tandem-other" in owners
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
