"""Role database, as plain boto3 sees it."""

from localcloud.testing import Endpoint


def database(endpoint: Endpoint) -> dict:
    (found,) = endpoint.client("rds").describe_db_instances()["DBInstances"]
    return found


def test_it_is_encrypted_private_and_of_the_wanted_engine(endpoint: Endpoint) -> None:
    found = database(endpoint)
    assert found["Engine"] == "postgres"
    assert found["EngineVersion"].split(".")[0] == "17"
    assert found["StorageEncrypted"] is True
    assert found["PubliclyAccessible"] is False
    assert found["BackupRetentionPeriod"] == 1


def test_it_stands_in_the_isolated_subnets(endpoint: Endpoint) -> None:
    subnets = [one["SubnetIdentifier"] for one in database(endpoint)["DBSubnetGroup"]["Subnets"]]
    described = endpoint.client("ec2").describe_subnets(SubnetIds=subnets)["Subnets"]
    tiers = {tag["Value"] for subnet in described for tag in subnet["Tags"] if tag["Key"] == "Tier"}
    assert tiers == {"isolated"}
    assert len({subnet["AvailabilityZone"] for subnet in described}) == 2


def test_it_refuses_connections_without_tls(endpoint: Endpoint) -> None:
    (group,) = database(endpoint)["DBParameterGroups"]
    pages = endpoint.client("rds").get_paginator("describe_db_parameters")
    parameters = {
        parameter["ParameterName"]: parameter.get("ParameterValue")
        for page in pages.paginate(DBParameterGroupName=group["DBParameterGroupName"])
        for parameter in page["Parameters"]
    }
    assert parameters["rds.force_ssl"] == "1"


def test_only_the_databases_group_is_on_it(endpoint: Endpoint) -> None:
    (group,) = database(endpoint)["VpcSecurityGroups"]
    described = endpoint.client("ec2").describe_security_groups(GroupIds=[group["VpcSecurityGroupId"]])
    assert described["SecurityGroups"][0]["GroupName"] == "tandem-molecule-database"
