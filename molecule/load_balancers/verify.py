"""Role load_balancers, as plain boto3 sees it."""

import pytest

from localcloud.testing import Endpoint

BALANCERS = {"public": ("internet-facing", "public", 5000), "internal": ("internal", "private", 5001)}


@pytest.mark.parametrize("name", BALANCERS)
def test_a_load_balancer_forwards_to_its_tier(endpoint: Endpoint, name: str) -> None:
    elb, (scheme, tier, port) = endpoint.client("elbv2"), BALANCERS[name]
    (balancer,) = elb.describe_load_balancers(Names=[f"tandem-molecule-{name}"])["LoadBalancers"]
    assert balancer["Scheme"] == scheme
    subnets = [zone["SubnetId"] for zone in balancer["AvailabilityZones"]]
    described = endpoint.client("ec2").describe_subnets(SubnetIds=subnets)["Subnets"]
    assert {tag["Value"] for subnet in described for tag in subnet["Tags"] if tag["Key"] == "Tier"} == {tier}
    assert len({subnet["AvailabilityZone"] for subnet in described}) == 2

    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert (listener["Protocol"], listener["Port"]) == ("HTTP", 80)
    (action,) = listener["DefaultActions"]
    (group,) = elb.describe_target_groups(TargetGroupArns=[action["TargetGroupArn"]])["TargetGroups"]
    assert group["Port"] == port
    assert group["HealthCheckPath"] == "/readyz"


def test_there_is_no_other(endpoint: Endpoint) -> None:
    elb = endpoint.client("elbv2")
    assert len(elb.describe_load_balancers()["LoadBalancers"]) == 2
    assert len(elb.describe_target_groups()["TargetGroups"]) == 2
