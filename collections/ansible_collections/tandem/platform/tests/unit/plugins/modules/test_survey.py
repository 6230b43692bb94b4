"""The survey of an environment: its own resources alone, and a wait that ends."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.module_utils.look import SERVING_DATABASES, DoubledError, Look
from ansible_collections.tandem.platform.plugins.modules import survey

from localcloud.testing import Endpoint

pytestmark = pytest.mark.usefixtures("without_vpcs")


def look(cloud: Endpoint, env_name: str = "xx") -> Any:
    return survey.survey(Look(cloud.client, "tt", env_name), "t3.micro")


def tag(name: str, kind: str, env_name: str = "xx") -> list[dict[str, Any]]:
    tags = {"Project": "tt", "Environment": env_name, "Name": f"tt-{env_name}-{name}"}
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def test_nothing_is_found_where_nothing_is(cloud: Endpoint) -> None:
    found = look(cloud)
    assert found["vpc"] == found["database"] == found["instances"] == found["subnets"] == {}
    assert found["image"]["name"].startswith("debian-13-amd64-")
    assert len(found["zones"]) >= 2


def test_only_the_environments_own_is_found(cloud: Endpoint) -> None:
    ec2 = cloud.client("ec2")
    own = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tag("vpc", "vpc"))["Vpc"]["VpcId"]
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tag("vpc", "vpc", "yy"))["Vpc"]["VpcId"]
    for vpc_id, env_name in ((own, "xx"), (other, "yy")):
        specification = tag("public-1", "subnet", env_name)
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.1.0.0/24", TagSpecifications=specification)
    found = look(cloud)
    assert found["vpc"] == {"id": own, "cidr": "10.1.0.0/16", "dns_support": True, "dns_hostnames": False}
    assert list(found["subnets"]) == ["public-1"]
    ids = [item["SubnetId"] for item in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [own]}])["Subnets"]]
    assert found["subnets"]["public-1"]["id"] in ids
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [own, other]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])


@pytest.mark.parametrize("name", ["", "*", "x/y", "Xx"])
def test_only_whole_names_are_looked_for(cloud: Endpoint, name: str) -> None:
    before = len(cloud.journal())
    for project, env_name in ((name, "xx"), ("tt", name)):
        with pytest.raises(ValueError, match=r"(project|env_name) = "):
            Look(cloud.client, project, env_name)
    assert cloud.journal()[before:] == []


def test_load_balancing_of_an_environment_with_a_longer_name_is_not_found(cloud: Endpoint) -> None:
    elb = cloud.client("elbv2")

    def group(name: str, project: str, env_name: str) -> None:
        tags = [{"Key": "Project", "Value": project}, {"Key": "Environment", "Value": env_name}]
        elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc, Tags=tags)

    vpc = cloud.client("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    group("tt-try1-frontend", "tt", "try1")
    group("tt-try1-xx-frontend", "tt", "try1-xx")
    assert list(look(cloud, "try1")["target_groups"]) == ["frontend"]
    with pytest.raises(ValueError, match="another environment with the same names"):
        survey.survey(Look(cloud.client, "tt-try1", "xx"), "t3.micro")


def test_of_two_vpcs_the_one_that_is_used_counts_and_two_that_are_used_are_refused(cloud: Endpoint) -> None:
    ec2 = cloud.client("ec2")
    made = [
        ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tag("vpc", "vpc"))["Vpc"]["VpcId"]
        for _dummy in range(2)
    ]
    ec2.create_subnet(VpcId=made[1], CidrBlock="10.1.0.0/24", TagSpecifications=tag("public-1", "subnet"))
    found = look(cloud)
    assert found["vpc"]["id"] == made[1]
    assert made[0] in [double["id"] for double in found["doubles"]]
    ec2.create_subnet(VpcId=made[0], CidrBlock="10.1.0.0/24", TagSpecifications=tag("public-1", "subnet"))
    with pytest.raises(DoubledError, match=f"{min(made)} and {max(made)}"):
        look(cloud)
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": made}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])


def test_two_vpcs_with_names_of_their_own_are_refused(cloud: Endpoint) -> None:
    for name in ("vpc", "other"):
        cloud.client("ec2").create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tag(name, "vpc"))
    with pytest.raises(DoubledError, match="two VPCs have the tags"):
        look(cloud)


def test_waiting_ends_and_says_what_it_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey.time, "sleep", lambda _seconds: None)
    found = {"database": {"state": "creating"}, "instances": {"frontend-1": {"state": "running"}}}
    with pytest.raises(survey.NotReadyError, match=r"^database is creating after -1 s$"):
        survey.wait(lambda: found, ["database", "instances"], -1)
    found["database"]["state"] = "failed"
    with pytest.raises(survey.NotReadyError, match="database is failed: it will not become ready by itself"):
        survey.wait(lambda: found, ["database"], 100)
    found["database"]["state"] = "stopped"
    with pytest.raises(survey.NotReadyError, match="database is stopped: it will not become ready by itself"):
        survey.wait(lambda: found, ["database"], 100)
    found["database"]["state"] = "available"
    assert survey.wait(lambda: found, ["database", "instances"], -1) is found


def test_a_launched_host_that_ends_is_named_with_awss_reason() -> None:
    item = {
        "InstanceId": "i-1", "State": {"Name": "terminated"}, "Tags": [{"Key": "Name", "Value": "frontend-1"}],
        "StateReason": {"Message": "Client.InternalError: Client error on launch\n\x1b[2J"},
    }  # fmt: skip
    with pytest.raises(survey.NotReadyError) as error:
        survey.unlisted(Listing(item), ["i-1"])
    said = "instance frontend-1 (i-1) ended at its launch. AWS says: Client.InternalError: Client error on launch"
    assert str(error.value) == said + r"\n\x1b[2J"


def test_a_launched_host_is_waited_for_while_aws_does_not_list_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey.time, "sleep", lambda _seconds: None)
    listed = {"InstanceId": "i-1", "State": {"Name": "pending"}}
    looks = iter([Listing(), Listing(), Listing(listed)])
    found = survey.wait(lambda: {"instances": {}}, ["instances"], 100, lambda: survey.unlisted(next(looks), ["i-1"]))
    assert found == {"instances": {}}
    assert list(looks) == []
    with pytest.raises(survey.NotReadyError, match=r"^instance i-1 is not listed yet after -1 s$"):
        survey.wait(lambda: {"instances": {}}, ["instances"], -1, lambda: survey.unlisted(Listing(), ["i-1"]))


class Listing:
    """EC2, as it lists instances."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.items = list(items)

    def describe_instances(self, **_filters: Any) -> dict[str, Any]:
        return {"Reservations": [{"Instances": self.items}]}


@pytest.mark.parametrize("state", sorted(SERVING_DATABASES))
def test_a_database_is_ready_once_it_serves(state: str) -> None:
    found = {"database": {"state": state}}
    assert survey.wait(lambda: found, ["database"], -1) is found
