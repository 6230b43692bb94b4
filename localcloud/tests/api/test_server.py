"""The wrapper: signatures and policies, the journal, faults, unsupported actions, tokens, waiters."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from localcloud.api import Api
from localcloud.api.faults import FaultError

from .helpers import Clients, World, image, network, refused, subnet, until


# -- signatures and policies ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("service", "action", "wrong_secret", "unknown_key"),
    [
        ("ec2", "describe_vpcs", "AuthFailure", "AuthFailure"),
        ("rds", "describe_db_instances", "SignatureDoesNotMatch", "InvalidClientTokenId"),
        ("elbv2", "describe_load_balancers", "SignatureDoesNotMatch", "InvalidClientTokenId"),
        ("sts", "get_caller_identity", "SignatureDoesNotMatch", "InvalidClientTokenId"),
        ("ssm", "describe_parameters", "InvalidSignatureException", "UnrecognizedClientException"),
        ("s3", "list_buckets", "SignatureDoesNotMatch", "InvalidAccessKeyId"),
    ],
)
def test_signatures(clients: Clients, service: str, action: str, wrong_secret: str, unknown_key: str) -> None:
    assert refused(getattr(clients.get(service, secret="x" * 40), action)) == wrong_secret
    assert refused(getattr(clients.get(service, key="AKIA234567ABCDEFGHIJ"), action)) == unknown_key
    getattr(clients.get(service), action)()


def test_policies_of_a_user(clients: Clients, name: str) -> None:
    iam = clients.get("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}]}
    iam.put_user_policy(UserName=name, PolicyName="look", PolicyDocument=json.dumps(policy))
    ec2 = clients.get("ec2", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    rds = clients.get("rds", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    ec2.describe_vpcs()
    assert refused(ec2.create_vpc, CidrBlock="10.0.0.0/16") == "UnauthorizedOperation"
    assert refused(rds.describe_db_instances) == "AccessDenied"
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refused(ec2.describe_vpcs) == "AuthFailure"


def test_object_names_in_signatures(clients: Clients, name: str) -> None:
    s3 = clients.get("s3")
    s3.create_bucket(Bucket=name)
    for key in ("plain", "a b/ü+x?=&", "%41", "a//b"):
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
        assert s3.get_object(Bucket=name, Key=key)["Body"].read() == key.encode()


# -- journal --------------------------------------------------------------------------------------------------
def last(api: Api) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(api.settings.journal_file.read_text().splitlines()[-1])
    return entry


def test_the_journal_has_every_call(api: Api, clients: Clients) -> None:
    clients.get("ec2", "eu-central-1").describe_vpcs()
    entry = last(api)
    assert set(entry) == {"time", "service", "region", "action", "status", "error", "mutating", "latency_ms"}
    assert {key: entry[key] for key in ("service", "region", "action", "status", "error", "mutating")} == {
        "service": "ec2",
        "region": "eu-central-1",
        "action": "DescribeVpcs",
        "status": 200,
        "error": None,
        "mutating": False,
    }
    refused(clients.get("ec2").create_vpc, CidrBlock="10.0.0.0/8")
    assert [last(api)[key] for key in ("status", "error", "mutating")] == [400, "InvalidVpc.Range", True]


@pytest.mark.parametrize(
    ("service", "action", "params", "mutating"),
    [
        ("ssm", "get_parameters_by_path", {"Path": "/none"}, False),
        ("ssm", "put_parameter", {"Name": "/journal", "Value": "x", "Type": "String", "Overwrite": True}, True),
        ("sts", "get_caller_identity", {}, False),
        ("elbv2", "describe_load_balancers", {}, False),
        ("cloudwatch", "describe_alarms", {}, False),
        ("cloudwatch", "delete_alarms", {"AlarmNames": ["none"]}, True),
        ("s3", "list_buckets", {}, False),
        ("s3", "create_bucket", {"Bucket": "journal-bucket"}, True),
        ("kms", "generate_random", {"NumberOfBytes": 8}, False),
        ("ec2", "create_tags", {"Resources": ["vpc-1"], "Tags": [], "DryRun": True}, False),
    ],
)
def test_the_journal_knows_what_changes_something(
    api: Api, clients: Clients, service: str, action: str, params: dict[str, Any], mutating: bool
) -> None:
    with contextlib.suppress(ClientError):  # a dry run ends in an error by design
        getattr(clients.get(service), action)(**params)
    assert (last(api)["service"], last(api)["mutating"]) == (service, mutating)


@pytest.mark.parametrize(
    ("service", "region", "action", "params", "error"),
    [
        ("ec2", "eu-west-1", "describe_vpcs", {}, None),
        ("rds", "eu-west-1", "describe_db_instances", {"DBInstanceIdentifier": "none"}, "DBInstanceNotFound"),
        ("iam", "us-east-1", "get_user", {"UserName": "nobody"}, "NoSuchEntity"),
        ("ssm", "eu-west-1", "get_parameter", {"Name": "/none"}, "ParameterNotFound"),
        ("lambda", "eu-west-1", "get_function", {"FunctionName": "none"}, "ResourceNotFoundException"),
        ("s3", "eu-west-1", "get_object", {"Bucket": "none-such", "Key": "x"}, "NoSuchBucket"),
        ("route53", "us-east-1", "get_hosted_zone", {"Id": "NONE"}, "NoSuchHostedZone"),
        ("cloudwatch", "eu-west-1", "get_dashboard", {"DashboardName": "none"}, "ResourceNotFound"),
    ],
)
def test_the_journal_reads_every_protocol(
    api: Api, clients: Clients, service: str, region: str, action: str, params: dict[str, Any], error: str | None
) -> None:
    call = getattr(clients.get(service, region), action)
    if error is None:
        call(**params)
    else:
        assert refused(call, **params) in (error, f"{error}Fault")
    entry = last(api)
    assert (entry["service"], entry["region"], entry["action"].lower()) == (service, region, action.replace("_", ""))
    assert (entry["error"], entry["mutating"], entry["status"] == 200) == (error, False, error is None)


# -- faults ---------------------------------------------------------------------------------------------------
@pytest.fixture
def faults(api: Api) -> Iterator[Any]:
    yield api.faults
    api.faults.clear()


@pytest.mark.parametrize(
    ("service", "action", "throttled", "failed"),
    [
        ("ec2", "describe_vpcs", "RequestLimitExceeded", "InternalError"),
        ("elbv2", "describe_load_balancers", "Throttling", "InternalFailure"),
        ("rds", "describe_db_instances", "Throttling", "InternalFailure"),
        ("ssm", "describe_parameters", "ThrottlingException", "InternalServerError"),
        ("s3", "list_buckets", "SlowDown", "InternalError"),
        ("iam", "list_users", "Throttling", "ServiceFailure"),
        ("sts", "get_caller_identity", "Throttling", "InternalFailure"),
        ("cloudwatch", "describe_alarms", "Throttling", "InternalServiceError"),
        ("logs", "describe_log_groups", "ThrottlingException", "InternalFailure"),
        ("secretsmanager", "list_secrets", "ThrottlingException", "InternalServiceError"),
        ("sns", "list_topics", "Throttling", "InternalError"),
        ("sqs", "list_queues", "RequestThrottled", "InternalFailure"),
        ("lambda", "list_functions", "TooManyRequestsException", "InternalFailure"),
        ("elb", "describe_load_balancers", "Throttling", "InternalFailure"),
        ("resourcegroupstaggingapi", "get_resources", "ThrottledException", "InternalFailure"),
    ],
)
def test_throttling_and_errors(
    faults: Any, clients: Clients, service: str, action: str, throttled: str, failed: str
) -> None:
    call = getattr(clients.get(service), action)
    faults.set(throttle=1)
    assert refused(call) == throttled
    faults.set(throttle=0, error=1)
    assert refused(call) == failed
    faults.clear()
    call()


def test_a_share_of_calls_repeatably(faults: Any, clients: Clients) -> None:
    ec2 = clients.get("ec2")

    def outcomes() -> list[bool]:
        faults.set(throttle=0.3, seed=7)
        return [_succeeds(ec2.describe_vpcs) for _ in range(40)]

    first = outcomes()
    assert first == outcomes()
    assert 4 <= first.count(False) <= 20


def _succeeds(call: Any) -> bool:
    try:
        call()
    except ClientError:
        return False
    return True


def test_only_some_services_and_actions(faults: Any, clients: Clients) -> None:
    faults.set(throttle=1, service="ec2|rds", action="^Describe")
    assert refused(clients.get("ec2").describe_vpcs) == "RequestLimitExceeded"
    clients.get("elbv2").describe_load_balancers()
    assert refused(clients.get("ec2").delete_vpc, VpcId="vpc-0123456789abcdef0") == "InvalidVpcID.NotFound"


def test_lost_connections_before_and_after_the_work(api: Api, faults: Any, clients: Clients, name: str) -> None:
    ssm = clients.get("ssm")
    put = {"Name": f"/{name}", "Value": "x", "Type": "String"}
    faults.set(reset_before=1)
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        ssm.put_parameter(**put)
    faults.clear()
    assert refused(ssm.get_parameter, Name=f"/{name}") == "ParameterNotFound"
    faults.set(reset_after=1)
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        ssm.put_parameter(**put)
    assert (last(api)["status"], last(api)["error"]) == (0, "ConnectionReset")
    faults.clear()
    ssm.get_parameter(Name=f"/{name}")


def test_a_new_resource_is_not_found_for_a_while(faults: Any, clients: Clients) -> None:
    ec2 = clients.get("ec2", "ap-south-1")
    faults.set(delay_s=60)
    vpc = network(ec2, gateway=False)
    assert refused(ec2.describe_vpcs, VpcIds=[vpc]) == "InvalidVpcID.NotFound"
    elastic = ec2.allocate_address(Domain="vpc")["AllocationId"]
    own = {"SubnetId": "subnet-0123456789abcdef0", "AllocationId": elastic}
    assert refused(ec2.create_nat_gateway, **own) == "InvalidElasticIpID.NotFound"  # the code that amazon.aws waits for
    faults.clear()
    ec2.describe_vpcs(VpcIds=[vpc])
    ec2.release_address(AllocationId=elastic)


def test_a_launch_succeeds_and_the_instance_ends(faults: Any, clients: Clients) -> None:
    ec2 = clients.get("ec2", "ap-south-1")
    faults.set(launch_error="Client.VolumeLimitExceeded")
    own = subnet(ec2, network(ec2, gateway=False), "10.9.0.0/24", "ap-south-1a")
    launch = {"ImageId": image(ec2), "InstanceType": "t3.micro", "SubnetId": own, "MinCount": 1, "MaxCount": 1}
    [made] = ec2.run_instances(**launch)["Instances"]
    assert made["State"]["Name"] == "pending"

    def seen() -> tuple[str, str]:
        [found] = ec2.describe_instances(InstanceIds=[made["InstanceId"]])["Reservations"][0]["Instances"]
        return found["State"]["Name"], found.get("StateReason", {}).get("Message", "")

    until(lambda: seen() == ("terminated", "Client.VolumeLimitExceeded: Volume limit exceeded"))
    faults.clear()
    [other] = ec2.run_instances(**launch)["Instances"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[other["InstanceId"]])
    ec2.terminate_instances(InstanceIds=[other["InstanceId"]])


def test_latency(faults: Any, clients: Clients) -> None:
    faults.set(latency_ms=300)
    began = time.monotonic()
    clients.get("ec2").describe_vpcs()
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    "knobs",
    [
        {"throttle": 2},
        {"throttle": 0.6, "error": 0.6},
        {"delay_s": -1},
        {"action": "("},
        {"trottle": 1},
        {"launch_error": "x"},
    ],
)
def test_invalid_settings(faults: Any, knobs: dict[str, Any]) -> None:
    with pytest.raises(FaultError):
        faults.set(**knobs)
    assert faults.get()["throttle"] == 0


# -- unsupported actions and parameters -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("service", "action", "params"),
    [
        ("ec2", "create_vpc_peering_connection", {"VpcId": "vpc-1", "PeerVpcId": "vpc-2"}),
        ("ec2", "create_transit_gateway", {}),
        ("ec2", "create_network_acl", {"VpcId": "vpc-1"}),
        ("ecs", "create_cluster", {"clusterName": "x"}),
        ("lambda", "delete_function", {"FunctionName": "x"}),
        ("autoscaling", "create_auto_scaling_group", {"AutoScalingGroupName": "x", "MinSize": 1, "MaxSize": 1}),
        ("route53", "create_hosted_zone", {"Name": "example.org", "CallerReference": "1"}),
        ("organizations", "describe_organization", {}),
        ("efs", "create_file_system", {"CreationToken": "x"}),
        ("elbv2", "set_ip_address_type", {"LoadBalancerArn": "x", "IpAddressType": "dualstack"}),
        ("rds", "create_db_instance_read_replica", {"DBInstanceIdentifier": "x", "SourceDBInstanceIdentifier": "y"}),
        ("rds", "restore_db_instance_to_point_in_time", {"TargetDBInstanceIdentifier": "x"}),
        ("ssm", "send_command", {"DocumentName": "AWS-RunShellScript"}),
        ("s3", "put_bucket_policy", {"Bucket": "x", "Policy": "{}"}),
        ("s3", "put_bucket_website", {"Bucket": "x", "WebsiteConfiguration": {}}),
        ("secretsmanager", "rotate_secret", {"SecretId": "x"}),
        ("stepfunctions", "create_state_machine", {"name": "x", "definition": "{}", "roleArn": "x"}),
    ],
)
def test_actions_that_are_not_realised(clients: Clients, service: str, action: str, params: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        getattr(clients.get(service), action)(**params)
    assert error.value.response["Error"]["Code"] == "NotRealised"
    called = error.value.response["Error"]["Message"].split(":")[1].lower()
    assert called == action.replace("_", "")


LAUNCHES: list[dict[str, Any]] = [
    {"InstanceMarketOptions": {"MarketType": "spot"}},
    {"Placement": {"Tenancy": "dedicated"}},
    {"Placement": {"GroupName": "together"}},
    {"CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 1}},
    {"HibernationOptions": {"Configured": True}},
    {"EnclaveOptions": {"Enabled": True}},
    {"Ipv6AddressCount": 1},
    {"MetadataOptions": {"HttpProtocolIpv6": "enabled"}},
    {"NetworkInterfaces": [{"DeviceIndex": 0, "InterfaceType": "efa"}]},
    {"NetworkInterfaces": [{"DeviceIndex": 0, "SecondaryPrivateIpAddressCount": 1}]},
    {"NetworkInterfaces": [{"DeviceIndex": 0}, {"DeviceIndex": 1}]},
]


@pytest.mark.parametrize("params", LAUNCHES, ids=lambda params: f"{next(iter(params.items()))}")
def test_launches_that_are_not_realised(world: World, params: dict[str, Any]) -> None:
    assert refused(world.ec2.run_instances, **world.launch(**params)) == "NotRealised"


def test_a_launch_that_declines_what_is_not_realised(world: World) -> None:
    declined = {
        "HibernationOptions": {"Configured": False}, "EnclaveOptions": {"Enabled": False}, "Placement": {"Tenancy": "default"},
        "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": world.a, "InterfaceType": "interface"}],
    }  # fmt: skip
    world.ec2.terminate_instances(InstanceIds=[world.run(**declined)])


def test_networks_that_are_not_realised(world: World) -> None:
    ec2, block = world.ec2, {"CidrBlock": "10.5.0.0/16"}
    assert refused(ec2.create_vpc, **block, AmazonProvidedIpv6CidrBlock=True) == "NotRealised"
    assert refused(ec2.create_vpc, **block, InstanceTenancy="dedicated") == "NotRealised"
    inside = {"VpcId": world.vpc, "CidrBlock": "10.9.77.0/24"}
    assert refused(ec2.create_subnet, **inside, Ipv6CidrBlock="2600::/64") == "NotRealised"
    assert refused(ec2.modify_subnet_attribute, SubnetId=world.a, EnableDns64={"Value": True}) == "NotRealised"
    assert refused(ec2.modify_vpc_attribute, VpcId=world.vpc, EnableDnsSupport={"Value": False}) == "NotRealised"
    out = {"RouteTableId": world.table, "DestinationCidrBlock": "0.0.0.0/0"}
    assert refused(ec2.create_route, **out, InstanceId=world.instance) == "NotRealised"
    assert refused(ec2.create_network_interface, SubnetId=world.a, SecondaryPrivateIpAddressCount=1) == "NotRealised"
    assert refused(ec2.associate_route_table, RouteTableId=world.table, GatewayId="igw-0") == "NotRealised"


def test_parameters_that_are_not_realised(world: World, name: str) -> None:
    subnets = {"Name": name, "Subnets": [world.a, world.b]}
    assert refused(world.elbv2.create_load_balancer, **subnets, Type="network") == "NotRealised"
    assert refused(world.rds.create_db_instance, **world.database(name, Engine="mysql")) == "NotRealised"
    assert refused(world.elbv2.create_target_group, **world.targeted(name, Protocol="HTTPS")) == "NotRealised"


def test_a_public_database_is_refused_where_a_route_leads_in(world: World, name: str) -> None:
    inside = [{"Name": "attachment.vpc-id", "Values": [world.vpc]}]
    gateway = world.ec2.describe_internet_gateways(Filters=inside)["InternetGateways"][0]["InternetGatewayId"]
    route = {"RouteTableId": world.table, "DestinationCidrBlock": "0.0.0.0/0"}
    public = {**world.database(name, PubliclyAccessible=True)}
    world.ec2.create_route(**route, GatewayId=gateway)
    association = world.ec2.associate_route_table(RouteTableId=world.table, SubnetId=world.a)["AssociationId"]
    assert refused(world.rds.create_db_instance, **public) == "NotRealised"
    world.ec2.disassociate_route_table(AssociationId=association)
    world.ec2.delete_route(**route)
    world.rds.create_db_instance(**public)
    world.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name)
    world.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


# -- tokens and waiters ---------------------------------------------------------------------------------------
def test_the_same_token_is_the_same_request(world: World, name: str) -> None:
    made = [world.ec2.run_instances(**world.launch(ClientToken=name))["Instances"][0]["InstanceId"] for _ in range(2)]
    assert made[0] == made[1]
    other = world.launch(ClientToken=name, InstanceType="t3.small")
    assert refused(world.ec2.run_instances, **other) == "IdempotentParameterMismatch"
    world.ec2.terminate_instances(InstanceIds=made[:1])


def test_a_waiter_does_not_miss_a_change(world: World) -> None:
    instance = world.run()
    waiter = world.ec2.get_waiter("instance_running")
    waiter.wait(InstanceIds=[instance], WaiterConfig={"MaxAttempts": 1})  # the second poll would be 15 s later
    world.ec2.terminate_instances(InstanceIds=[instance])
