"""Role network, as plain boto3 sees it."""

from localcloud.testing import Endpoint


def subnets(endpoint: Endpoint) -> dict[str, dict]:
    found = endpoint.client("ec2").describe_subnets(Filters=[{"Name": "tag:Environment", "Values": ["molecule"]}])
    names = ({tag["Key"]: tag["Value"] for tag in subnet["Tags"]}["Name"] for subnet in found["Subnets"])
    return dict(zip(names, found["Subnets"], strict=True))


def routes(endpoint: Endpoint, subnet_id: str) -> dict[str, str]:
    """Destination -> the kind of its target, for the subnet's own route table."""
    mine = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    tables = endpoint.client("ec2").describe_route_tables(Filters=mine)["RouteTables"]
    return {
        route["DestinationCidrBlock"]: (route.get("NatGatewayId") or route["GatewayId"]).split("-")[0]
        for table in tables
        for route in table["Routes"]
        if "DestinationCidrBlock" in route
    }


def test_two_subnets_a_tier_in_two_zones(endpoint: Endpoint) -> None:
    found = subnets(endpoint)
    assert len(found) == 6
    for tier in ("public", "private", "isolated"):
        pair = [subnet for name, subnet in found.items() if name.startswith(f"tandem-molecule-{tier}-")]
        assert len({subnet["AvailabilityZone"] for subnet in pair}) == 2, tier


def test_each_tier_goes_where_it_may(endpoint: Endpoint) -> None:
    found = subnets(endpoint)
    local = {"10.40.0.0/16": "local"}
    assert routes(endpoint, found["tandem-molecule-public-1"]["SubnetId"]) == {**local, "0.0.0.0/0": "igw"}
    assert routes(endpoint, found["tandem-molecule-private-2"]["SubnetId"]) == {**local, "0.0.0.0/0": "nat"}
    assert routes(endpoint, found["tandem-molecule-isolated-1"]["SubnetId"]) == local


def test_one_nat_gateway_and_one_elastic_address(endpoint: Endpoint) -> None:
    ec2 = endpoint.client("ec2")
    gateways = ec2.describe_nat_gateways()["NatGateways"]
    assert [gateway["State"] for gateway in gateways] == ["available"]
    addresses = ec2.describe_addresses()["Addresses"]
    assert [address["AllocationId"] for address in addresses] == [gateways[0]["NatGatewayAddresses"][0]["AllocationId"]]


def test_s3_is_reached_without_the_nat_gateway(endpoint: Endpoint) -> None:
    endpoints = endpoint.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    assert [(one["VpcEndpointType"], one["ServiceName"]) for one in endpoints] == [
        ("Gateway", "com.amazonaws.us-east-1.s3")
    ]
