"""Each correction to moto, as seen by a client: without it, the test fails."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.api import Api

from ..helpers import Clients, World, group, refused


def test_resource_types_of_tags_are_awss(world: World, name: str) -> None:
    address = world.ec2.allocate_address(
        Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": [{"Key": "Name", "Value": name}]}]
    )
    tags = world.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [address["AllocationId"]]}])["Tags"]
    assert [tag["ResourceType"] for tag in tags] == ["elastic-ip"]
    world.ec2.release_address(AllocationId=address["AllocationId"])


def test_a_key_pair_is_deleted_by_its_id(world: World, name: str) -> None:
    key, other = (world.ec2.create_key_pair(KeyName=f"{name}-{number}")["KeyPairId"] for number in (1, 2))
    world.ec2.delete_key_pair(KeyPairId=key)
    left = [pair["KeyPairId"] for pair in world.ec2.describe_key_pairs()["KeyPairs"]]
    assert (key in left, other in left) == (False, True)
    world.ec2.delete_key_pair(KeyName=f"{name}-2")


def test_a_load_balancer_has_all_its_attributes(world: World) -> None:
    found = world.elbv2.describe_load_balancer_attributes(LoadBalancerArn=world.balancer)["Attributes"]
    values = {attribute["Key"]: attribute["Value"] for attribute in found}
    assert values["load_balancing.cross_zone.enabled"] == "true"
    assert values["routing.http2.enabled"] == "true"
    assert 1 <= int(values["idle_timeout.timeout_seconds"]) <= 4000


def test_a_load_balancer_without_groups_has_the_default_one(world: World) -> None:
    default = world.ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [world.vpc]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"][0]["GroupId"]
    made = world.elbv2.create_load_balancer(Name="groupless", Subnets=[world.a, world.b])["LoadBalancers"][0]
    assert (made["SecurityGroups"], made["Scheme"]) == ([default], "internet-facing")
    world.elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])


def test_an_unknown_parameter_group_is_an_error(world: World) -> None:
    with pytest.raises(ClientError) as error:
        world.rds.describe_db_parameter_groups(DBParameterGroupName="nobodys")
    assert error.value.response["Error"]["Code"] == "DBParameterGroupNotFound"


def test_engine_parameters_are_listed_by_source(world: World, name: str) -> None:
    world.rds.create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily="postgres17", Description="for this test"
    )
    world.rds.modify_db_parameter_group(
        DBParameterGroupName=name,
        Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}],
    )
    every = {
        parameter["ParameterName"]: parameter
        for parameter in world.rds.describe_db_parameters(DBParameterGroupName=name)["Parameters"]
    }
    assert every["max_connections"]["ApplyType"] == "static"
    assert every["max_connections"]["IsModifiable"]
    users = world.rds.describe_db_parameters(DBParameterGroupName=name, Source="user")["Parameters"]
    assert {parameter["ParameterName"]: parameter["ParameterValue"] for parameter in users} == {"rds.force_ssl": "0"}


def test_gp3_has_its_speed(world: World) -> None:
    found = world.rds.describe_db_instances(DBInstanceIdentifier="world")["DBInstances"][0]
    assert (found["Iops"], found["StorageThroughput"]) == (3000, 125)


def test_versions_and_classes_that_can_be_ordered(world: World) -> None:
    versions = world.rds.describe_db_engine_versions(Engine="postgres", EngineVersion="17")["DBEngineVersions"]
    assert "17.6" in [version["EngineVersion"] for version in versions]
    assert {version["DBParameterGroupFamily"] for version in versions} == {"postgres17"}
    options = world.rds.describe_orderable_db_instance_options(Engine="postgres", DBInstanceClass="db.t3.micro")
    assert options["OrderableDBInstanceOptions"]


def test_a_major_version_becomes_its_newest_minor(world: World, name: str) -> None:
    made = world.rds.create_db_instance(**world.database(name, EngineVersion="17"))["DBInstance"]
    assert made["EngineVersion"].startswith("17.")
    world.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def test_the_source_check_of_an_instance_is_its_interfaces(api: Api, world: World) -> None:
    def checks() -> bool:
        vpc = next(vpc for vpc in api.reader.read().vpcs if vpc.id == world.vpc)
        return next(interface.source_check for interface in vpc.interfaces if interface.owner_id == world.instance)

    for wanted in (False, True):
        world.ec2.modify_instance_attribute(InstanceId=world.instance, SourceDestCheck={"Value": wanted})
        found = world.ec2.describe_instances(InstanceIds=[world.instance])["Reservations"][0]["Instances"][0]
        assert (checks(), found["SourceDestCheck"]) == (wanted, wanted)


def test_instances_are_found_by_their_instance_profile(clients: Clients, world: World, name: str) -> None:
    clients.get("iam").create_instance_profile(InstanceProfileName=name)
    with_profile = world.run(SubnetId=world.a, IamInstanceProfile={"Name": name})

    def found(pattern: str) -> list[str]:
        filters = [{"Name": "iam-instance-profile.arn", "Values": [pattern]}, {"Name": "vpc-id", "Values": [world.vpc]}]
        reservations = world.ec2.describe_instances(Filters=filters)["Reservations"]
        return [item["InstanceId"] for reservation in reservations for item in reservation["Instances"]]

    assert found(f"*:instance-profile/{name}") == [with_profile]
    assert found(f"*:instance-profile/{name}-2") == []
    world.ec2.terminate_instances(InstanceIds=[with_profile])


def test_subnets_of_a_group_change(world: World, name: str) -> None:
    params = {"DBSubnetGroupName": name, "DBSubnetGroupDescription": "d"}
    world.rds.create_db_subnet_group(**params, SubnetIds=[world.a, world.b])
    world.rds.modify_db_subnet_group(DBSubnetGroupName=name, SubnetIds=[world.a2, world.b])
    found = world.rds.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"][0]
    assert {subnet["SubnetIdentifier"] for subnet in found["Subnets"]} == {world.a2, world.b}


def test_a_rule_of_a_protocol_without_ports(api: Api, world: World, name: str) -> None:
    own = group(world.ec2, world.vpc, name)
    allowed = [{"IpProtocol": "50", "IpRanges": [{"CidrIp": "203.0.113.0/24"}]}]
    world.ec2.authorize_security_group_ingress(GroupId=own, IpPermissions=allowed)
    vpc = next(vpc for vpc in api.reader.read().vpcs if vpc.id == world.vpc)
    rules = next(group.rules for group in vpc.groups if group.id == own)
    assert [rule.protocol for rule in rules if rule.direction == "ingress"] == ["50"]


def test_a_launch_templates_own_tags_are_not_its_instances(world: World, name: str) -> None:
    own = {"ResourceType": "launch-template", "Tags": [{"Key": "Name", "Value": name}]}
    made = world.ec2.create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData={"InstanceType": "t3.micro"}, TagSpecifications=[own]
    )["LaunchTemplate"]
    version = world.ec2.describe_launch_template_versions(LaunchTemplateId=made["LaunchTemplateId"])
    assert "TagSpecifications" not in version["LaunchTemplateVersions"][0]["LaunchTemplateData"]


def test_images_are_the_official_ones_in_every_region(clients: Clients) -> None:
    for region in ("us-east-1", "eu-central-1"):
        ec2 = clients.get("ec2", region)
        found = ec2.describe_images(
            Owners=["136693071363"],
            Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}, {"Name": "architecture", "Values": ["x86_64"]}],
        )["Images"]
        assert len(found) >= 2
        assert len({image["CreationDate"] for image in found}) == len(found)
        for image in found:
            assert image["RootDeviceName"] == "/dev/xvda"
            assert image["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 8


def test_instance_types_are_true(clients: Clients) -> None:
    found = clients.get("ec2").describe_instance_types(InstanceTypes=["t3.micro", "m5.xlarge"])["InstanceTypes"]
    facts = {
        described["InstanceType"]: (described["VCpuInfo"]["DefaultVCpus"], described["MemoryInfo"]["SizeInMiB"])
        for described in found
    }
    assert facts == {"t3.micro": (2, 1024), "m5.xlarge": (4, 16384)}


def test_nat_gateways_are_found_by_tag(world: World) -> None:
    nobody = [{"Name": "tag:Name", "Values": ["nobody"]}]
    assert world.ec2.describe_nat_gateways(Filters=nobody)["NatGateways"] == []


def test_an_endpoint_of_no_given_type_can_be_deleted(world: World) -> None:
    made = world.ec2.create_vpc_endpoint(
        VpcId=world.vpc, ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[world.table]
    )["VpcEndpoint"]
    assert made["VpcEndpointType"] == "Gateway"
    world.ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])


def test_a_rule_is_revoked_without_its_description(world: World, name: str) -> None:
    made = [world.ec2.create_security_group(GroupName=f"{name}-{n}", Description="x", VpcId=world.vpc) for n in (1, 2)]
    group, source = (created["GroupId"] for created in made)
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    described = {**rule, "UserIdGroupPairs": [{"GroupId": source, "Description": "Queries"}]}
    world.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[described])
    bare = {**rule, "UserIdGroupPairs": [{"GroupId": source}]}
    world.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[bare])
    assert world.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"] == []
    for identifier in (group, source):
        world.ec2.delete_security_group(GroupId=identifier)


def test_regions_that_are_not_enabled_know_no_key(clients: Clients) -> None:
    ec2 = clients.get("ec2")

    def listed(**params: Any) -> dict[str, str]:
        return {one["RegionName"]: one["OptInStatus"] for one in ec2.describe_regions(**params)["Regions"]}

    assert set(listed().values()) == {"opt-in-not-required"}
    assert "af-south-1" not in listed()
    assert listed(AllRegions=True)["af-south-1"] == "not-opted-in"
    assert listed(RegionNames=["af-south-1"]) == {"af-south-1": "not-opted-in"}
    assert "us-gov-west-1" not in listed(AllRegions=True)
    assert refused(clients.get("sts", "af-south-1").get_caller_identity) == "InvalidClientTokenId"
    assert refused(clients.get("ec2", "af-south-1").describe_vpcs) == "AuthFailure"
    assert refused(clients.get("ssm", "af-south-1").describe_parameters) == "UnrecognizedClientException"
