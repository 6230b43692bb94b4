"""What AWS refuses is refused with AWS's code, and the same request put right is accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ..helpers import Clients, World

Wishes = Callable[[World, str], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """A request that AWS refuses with `code`, and its twin that AWS accepts. Both get the world and a fresh name."""

    service: str
    action: str
    code: str
    refused: Wishes
    accepted: Wishes | None


def ec2(action: str, code: str, refused: Wishes, accepted: Wishes | None) -> Row:
    return Row("ec2", action, code, refused, accepted)


def elbv2(action: str, code: str, refused: Wishes, accepted: Wishes | None) -> Row:
    return Row("elbv2", action, code, refused, accepted)


def rds(action: str, code: str, refused: Wishes, accepted: Wishes | None) -> Row:
    return Row("rds", action, code, refused, accepted)


def launch(refused: Callable[[World], dict[str, Any]], code: str, accepted: Callable[[World], dict[str, Any]]) -> Row:
    return ec2("run_instances", code, lambda w, n: w.launch(**refused(w)), lambda w, n: w.launch(**accepted(w)))


def database(code: str, refused: dict[str, Any], accepted: dict[str, Any]) -> Row:
    return rds(
        "create_db_instance", code, lambda w, n: w.database(n, **refused), lambda w, n: w.database(n, **accepted)
    )


def target_group(code: str, refused: dict[str, Any], accepted: dict[str, Any]) -> Row:
    return elbv2(
        "create_target_group",
        code,
        lambda w, n: w.targeted(**{"name": n, **refused}),
        lambda w, n: w.targeted(**{"name": n, **accepted}),
    )


def permission(port: int, last: int | None = None, **sources: Any) -> list[dict[str, Any]]:
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": last or port, **sources}]


ANYWHERE: dict[str, Any] = {"IpRanges": [{"CidrIp": "203.0.113.0/24"}]}


def root(gib: int, device: str = "/dev/xvda") -> dict[str, Any]:
    return {"BlockDeviceMappings": [{"DeviceName": device, "Ebs": {"VolumeSize": gib, "VolumeType": "gp3"}}]}


def user_data(size: int) -> dict[str, Any]:
    return {"UserData": "x" * size}


def tagged(pairs: dict[str, str]) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in pairs.items()]}


ROWS = {
    # -- EC2 -----------------------------------------------------------------------------------------------
    "group of another VPC": launch(
        lambda w: {"SecurityGroupIds": [w.other_group]}, "InvalidParameter", lambda w: {"SecurityGroupIds": [w.group]}
    ),
    "group of another VPC on an interface": launch(
        lambda w: {"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": w.a, "Groups": [w.other_group]}]},
        "InvalidParameter",
        lambda w: {"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": w.a, "Groups": [w.group]}]},
    ),
    "root volume smaller than the snapshot": launch(lambda w: root(4), "InvalidBlockDeviceMapping", lambda w: root(8)),
    "user data over 16 KiB": launch(lambda w: user_data(16385), "InvalidParameterValue", lambda w: user_data(16384)),
    "HttpTokens=maybe": launch(
        lambda w: {"MetadataOptions": {"HttpTokens": "maybe"}},
        "InvalidParameterValue",
        lambda w: {"MetadataOptions": {"HttpTokens": "required"}},
    ),
    "hop limit of 65": launch(
        lambda w: {"MetadataOptions": {"HttpPutResponseHopLimit": 65}},
        "InvalidParameterValue",
        lambda w: {"MetadataOptions": {"HttpPutResponseHopLimit": 64}},
    ),
    "address outside the subnet": launch(
        lambda w: {"PrivateIpAddress": "10.9.1.60"}, "InvalidParameterValue", lambda w: {"PrivateIpAddress": "10.9.0.61"}
    ),
    "address of the router": launch(
        lambda w: {"PrivateIpAddress": "10.9.0.1"}, "InvalidParameterValue", lambda w: {"PrivateIpAddress": "10.9.0.62"}
    ),
    "address in use": launch(
        lambda w: {"PrivateIpAddress": "10.9.0.4"}, "InvalidIPAddress.InUse", lambda w: {"PrivateIpAddress": "10.9.0.63"}
    ),
    "256 instances": launch(
        lambda w: {"MinCount": 256, "MaxCount": 256}, "VcpuLimitExceeded", lambda w: {"MinCount": 1, "MaxCount": 2}
    ),
    "unknown key pair": launch(lambda w: {"KeyName": "nobody"}, "InvalidKeyPair.NotFound", lambda w: {}),
    "unknown image": launch(lambda w: {"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound", lambda w: {}),
    "unknown instance type": launch(
        lambda w: {"InstanceType": "t9.nano"}, "InvalidParameterValue", lambda w: {"InstanceType": "t3.nano"}
    ),
    "type of another architecture": launch(
        lambda w: {"InstanceType": "t4g.micro"}, "InvalidParameterValue", lambda w: {"InstanceType": "t3.small"}
    ),
    "unknown instance profile": launch(
        lambda w: {"IamInstanceProfile": {"Name": "nobody"}}, "InvalidParameterValue", lambda w: {}
    ),
    "unknown subnet": launch(
        lambda w: {"SubnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound", lambda w: {"SubnetId": w.b}
    ),
    "malformed subnet": launch(
        lambda w: {"SubnetId": "subnet-xyz"}, "InvalidSubnetID.Malformed", lambda w: {"SubnetId": w.b}
    ),
    "tag of AWS's own": launch(
        lambda w: {"TagSpecifications": [{"ResourceType": "instance", **tagged({"aws:foo": "x"})}]},
        "InvalidParameterValue",
        lambda w: {"TagSpecifications": [{"ResourceType": "instance", **tagged({"foo": "x"})}]},
    ),
    # -- VPC -----------------------------------------------------------------------------------------------
    "subnet /29": ec2(
        "create_subnet",
        "InvalidSubnet.Range",
        lambda w, n: {"VpcId": w.vpc, "CidrBlock": "10.9.50.0/29"},
        lambda w, n: {"VpcId": w.vpc, "CidrBlock": "10.9.50.0/28"},
    ),
    "subnet outside the VPC": ec2(
        "create_subnet",
        "InvalidSubnet.Range",
        lambda w, n: {"VpcId": w.vpc, "CidrBlock": "10.10.0.0/24"},
        lambda w, n: {"VpcId": w.vpc, "CidrBlock": "10.9.51.0/24"},
    ),
    "subnet over another": ec2(
        "create_subnet",
        "InvalidSubnet.Conflict",
        lambda w, n: {"VpcId": w.vpc, "CidrBlock": "10.9.0.128/25"},
        lambda w, n: {"VpcId": w.vpc, "CidrBlock": "10.9.52.0/25"},
    ),
    "subnet in a zone that is not": ec2(
        "create_subnet",
        "InvalidParameterValue",
        lambda w, n: {"VpcId": w.vpc, "CidrBlock": "10.9.53.0/24", "AvailabilityZone": "us-east-1z"},
        lambda w, n: {"VpcId": w.vpc, "CidrBlock": "10.9.53.0/24", "AvailabilityZone": "us-east-1c"},
    ),
    "VPC /8": ec2("create_vpc", "InvalidVpc.Range", lambda w, n: {"CidrBlock": "10.0.0.0/8"}, None),
    "route to a NAT gateway that is not": ec2(
        "create_route",
        "InvalidNatGatewayID.NotFound",
        lambda w, n: {
            "RouteTableId": w.table,
            "DestinationCidrBlock": "0.0.0.0/0",
            "NatGatewayId": "nat-0123456789abcdef0",
        },
        None,
    ),
    "group named sg-": ec2(
        "create_security_group",
        "InvalidParameterValue",
        lambda w, n: {"GroupName": f"sg-{n}", "Description": "d", "VpcId": w.vpc},
        lambda w, n: {"GroupName": f"g-{n}", "Description": "d", "VpcId": w.vpc},
    ),
    "group with letters that are not allowed": ec2(
        "create_security_group",
        "InvalidParameterValue",
        lambda w, n: {"GroupName": n, "Description": "für alle", "VpcId": w.vpc},
        lambda w, n: {"GroupName": n, "Description": "for all", "VpcId": w.vpc},
    ),
    "rule on a group of another VPC": ec2(
        "authorize_security_group_ingress",
        "InvalidGroup.NotFound",
        lambda w, n: {"GroupId": w.group, "IpPermissions": permission(81, UserIdGroupPairs=[{"GroupId": w.other_group}])},
        lambda w, n: {"GroupId": w.group, "IpPermissions": permission(81, UserIdGroupPairs=[{"GroupId": w.group}])},
    ),
    "rule with a port of 70000": ec2(
        "authorize_security_group_ingress",
        "InvalidParameterValue",
        lambda w, n: {"GroupId": w.group, "IpPermissions": permission(70000, **ANYWHERE)},
        lambda w, n: {"GroupId": w.group, "IpPermissions": permission(60000, **ANYWHERE)},
    ),
    "rule with ports the wrong way round": ec2(
        "authorize_security_group_ingress",
        "InvalidParameterValue",
        lambda w, n: {"GroupId": w.group, "IpPermissions": permission(90, 80, **ANYWHERE)},
        lambda w, n: {"GroupId": w.group, "IpPermissions": permission(80, 90, **ANYWHERE)},
    ),
    "rule on a range that is none": ec2(
        "authorize_security_group_ingress",
        "InvalidParameterValue",
        lambda w, n: {"GroupId": w.group, "IpPermissions": permission(82, IpRanges=[{"CidrIp": "10.0.0.0/33"}])},
        lambda w, n: {"GroupId": w.group, "IpPermissions": permission(82, IpRanges=[{"CidrIp": "10.0.0.0/32"}])},
    ),
    "rule of an unknown protocol": ec2(
        "authorize_security_group_ingress",
        "InvalidParameterValue",
        lambda w, n: {"GroupId": w.group, "IpPermissions": [{"IpProtocol": "http", **ANYWHERE}]},
        lambda w, n: {"GroupId": w.group, "IpPermissions": [{"IpProtocol": "-1", **ANYWHERE}]},
    ),
    "tag aws:foo": ec2(
        "create_tags",
        "InvalidParameterValue",
        lambda w, n: {"Resources": [w.vpc], **tagged({"aws:foo": "x"})},
        lambda w, n: {"Resources": [w.vpc], **tagged({"foo": "x"})},
    ),
    "tag key of 129 letters": ec2(
        "create_tags",
        "InvalidParameterValue",
        lambda w, n: {"Resources": [w.vpc], **tagged({"k" * 129: "x"})},
        lambda w, n: {"Resources": [w.vpc], **tagged({"k" * 128: "x"})},
    ),
    # -- ELBv2 ---------------------------------------------------------------------------------------------
    "load balancer in one subnet": elbv2(
        "create_load_balancer",
        "ValidationError",
        lambda w, n: {"Name": n, "Subnets": [w.a]},
        lambda w, n: {"Name": n, "Subnets": [w.a, w.b]},
    ),
    "load balancer in two subnets of a zone": elbv2(
        "create_load_balancer",
        "InvalidConfigurationRequest",
        lambda w, n: {"Name": n, "Subnets": [w.a, w.a2]},
        lambda w, n: {"Name": n, "Subnets": [w.a2, w.b]},
    ),
    "load balancer in two VPCs": elbv2(
        "create_load_balancer",
        "InvalidConfigurationRequest",
        lambda w, n: {"Name": n, "Subnets": [w.a, w.other_b]},
        lambda w, n: {"Name": n, "Subnets": [w.other_a, w.other_b], "Scheme": "internal"},
    ),
    "internet-facing load balancer without a gateway": elbv2(
        "create_load_balancer",
        "InvalidSubnet",
        lambda w, n: {"Name": n, "Subnets": [w.other_a, w.other_b]},
        lambda w, n: {"Name": n, "Subnets": [w.other_a, w.other_b], "Scheme": "internal"},
    ),
    "load balancer name with _": elbv2(
        "create_load_balancer",
        "ValidationError",
        lambda w, n: {"Name": f"{n}_x", "Subnets": [w.a, w.b]},
        lambda w, n: {"Name": f"{n}-x", "Subnets": [w.a, w.b]},
    ),
    "load balancer name internal-": elbv2(
        "create_load_balancer",
        "ValidationError",
        lambda w, n: {"Name": f"internal-{n}", "Subnets": [w.a, w.b]},
        lambda w, n: {"Name": f"private-{n}", "Subnets": [w.a, w.b]},
    ),
    "load balancer name of 33 letters": elbv2(
        "create_load_balancer",
        "ValidationError",
        lambda w, n: {"Name": (n * 4)[:33], "Subnets": [w.a, w.b]},
        lambda w, n: {"Name": (n * 4)[:32], "Subnets": [w.a, w.b]},
    ),
    "load balancer with a group that is not": elbv2(
        "create_load_balancer",
        "InvalidSecurityGroup",
        lambda w, n: {"Name": n, "Subnets": [w.a, w.b], "SecurityGroups": ["sg-0123456789abcdef0"]},
        lambda w, n: {"Name": n, "Subnets": [w.a, w.b], "SecurityGroups": [w.group]},
    ),
    "load balancer scheme": elbv2(
        "create_load_balancer",
        "ValidationError",
        lambda w, n: {"Name": n, "Subnets": [w.a, w.b], "Scheme": "public"},
        lambda w, n: {"Name": n, "Subnets": [w.a, w.b], "Scheme": "internal"},
    ),
    "health path without /": target_group("ValidationError", {"HealthCheckPath": "ready"}, {"HealthCheckPath": "/ready"}),
    "health timeout over the interval": target_group(
        "ValidationError",
        {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 5},
        {"HealthCheckIntervalSeconds": 6, "HealthCheckTimeoutSeconds": 5},
    ),
    "health interval of 4": target_group(
        "ValidationError",
        {"HealthCheckIntervalSeconds": 4, "HealthCheckTimeoutSeconds": 2},
        {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2},
    ),
    "matcher of 600": target_group("ValidationError", {"Matcher": {"HttpCode": "600"}}, {"Matcher": {"HttpCode": "200-399"}}),
    "target group port 0": target_group("ValidationError", {"Port": 0}, {"Port": 1}),
    "target type": target_group("ValidationError", {"TargetType": "host"}, {"TargetType": "ip"}),
    "two listeners on a port": elbv2(
        "create_listener",
        "DuplicateListener",
        lambda w, n: w.listens(80),
        lambda w, n: w.listens(8081),
    ),
    "HTTPS without certificate": elbv2(
        "create_listener",
        "ValidationError",
        lambda w, n: w.listens(443, Protocol="HTTPS"),
        None,
    ),
    "HTTPS with a certificate that is not": elbv2(
        "create_listener",
        "CertificateNotFound",
        lambda w, n: w.listens(
            443,
            Protocol="HTTPS",
            Certificates=[{"CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/none"}],
        ),
        None,
    ),
    "forward to a group that is not": elbv2(
        "create_listener",
        "TargetGroupNotFound",
        lambda w, n: w.listens(8082, DefaultActions=[{"Type": "forward", "TargetGroupArn": w.targets + "0"}]),
        lambda w, n: w.listens(8082),
    ),
    "rule priority 0": elbv2(
        "create_rule",
        "ValidationError",
        lambda w, n: {**rule(w, 0)},
        lambda w, n: {**rule(w, 7)},
    ),
    "target in another VPC": elbv2(
        "register_targets",
        "InvalidTarget",
        lambda w, n: {"TargetGroupArn": w.targets, "Targets": [{"Id": stranger(w)}]},
        lambda w, n: {"TargetGroupArn": w.targets, "Targets": [{"Id": w.instance}]},
    ),
    # -- RDS -----------------------------------------------------------------------------------------------
    "subnet group in one zone": rds(
        "create_db_subnet_group",
        "DBSubnetGroupDoesNotCoverEnoughAZs",
        lambda w, n: subnets(n, w.a, w.a2),
        lambda w, n: subnets(n, w.a, w.b),
    ),
    "subnet group over two VPCs": rds(
        "create_db_subnet_group",
        "InvalidSubnet",
        lambda w, n: subnets(n, w.a, w.other_b),
        lambda w, n: subnets(n, w.other_a, w.other_b),
    ),
    "engine version 99.9": database("InvalidParameterCombination", {"EngineVersion": "99.9"}, {"EngineVersion": "17.5"}),
    "class db.t9.nano": database(
        "InvalidParameterValue", {"DBInstanceClass": "db.t9.nano"}, {"DBInstanceClass": "db.t3.small"}
    ),
    "parameter group of another family": database(
        "InvalidParameterCombination", {"DBParameterGroupName": "old"}, {"DBParameterGroupName": "world"}
    ),
    "gp3 with 5 GiB": database("InvalidParameterValue", {"AllocatedStorage": 5}, {"AllocatedStorage": 20}),
    "master user admin": database("InvalidParameterValue", {"MasterUsername": "admin"}, {"MasterUsername": "tandem"}),
    "master password with @": database(
        "InvalidParameterValue", {"MasterUserPassword": "some@password"}, {"MasterUserPassword": "some#password"}
    ),
    "master password of 7": database(
        "InvalidParameterValue", {"MasterUserPassword": "short-7"}, {"MasterUserPassword": "short-88"}
    ),
    "database name my-db": database("InvalidParameterValue", {"DBName": "my-db"}, {"DBName": "my_db"}),
    "identifier with --": rds(
        "create_db_instance",
        "InvalidParameterValue",
        lambda w, n: w.database(f"{n}--x"),
        lambda w, n: w.database(f"{n}-x"),
    ),
    "retention of 36 days": database(
        "InvalidParameterValue", {"BackupRetentionPeriod": 36}, {"BackupRetentionPeriod": 35}
    ),
    "unknown parameter": rds(
        "modify_db_parameter_group",
        "InvalidParameterValue",
        lambda w, n: parameter("max_konnections", "50", "pending-reboot"),
        lambda w, n: parameter("max_connections", "50", "pending-reboot"),
    ),
    "static parameter at once": rds(
        "modify_db_parameter_group",
        "InvalidParameterCombination",
        lambda w, n: parameter("max_connections", "50", "immediate"),
        lambda w, n: parameter("log_connections", "1", "immediate"),
    ),
    "parameter value out of range": rds(
        "modify_db_parameter_group",
        "InvalidParameterValue",
        lambda w, n: parameter("rds.force_ssl", "2", "immediate"),
        lambda w, n: parameter("rds.force_ssl", "1", "immediate"),
    ),
    "deletion without a word on the data": rds(
        "delete_db_instance", "InvalidParameterCombination", lambda w, n: {"DBInstanceIdentifier": "world"}, None
    ),
    "deletion of a parameter group in use": rds(
        "delete_db_parameter_group",
        "InvalidDBParameterGroupState",
        lambda w, n: {"DBParameterGroupName": "world"},
        None,
    ),
    "deletion of a subnet group in use": rds(
        "delete_db_subnet_group", "InvalidDBSubnetGroupStateFault", lambda w, n: {"DBSubnetGroupName": "world"}, None
    ),
    # -- others --------------------------------------------------------------------------------------------
    "parameter of more than 4 KiB": Row(
        "ssm",
        "put_parameter",
        "ValidationException",
        lambda w, n: {"Name": f"/{n}", "Value": "x" * 4097, "Type": "String"},
        lambda w, n: {"Name": f"/{n}", "Value": "x" * 4096, "Type": "String"},
    ),
    "parameter named aws": Row(
        "ssm",
        "put_parameter",
        "ValidationException",
        lambda w, n: {"Name": f"/aws/{n}", "Value": "x", "Type": "String"},
        lambda w, n: {"Name": f"/a/{n}", "Value": "x", "Type": "String"},
    ),
    "bucket Upper_Case": Row(
        "s3", "create_bucket", "InvalidBucketName", lambda w, n: {"Bucket": "Upper_Case"}, lambda w, n: {"Bucket": n}
    ),
    "alarm period 45": Row(
        "cloudwatch", "put_metric_alarm", "ValidationError", lambda w, n: alarm(n, 45), lambda w, n: alarm(n, 60)
    ),
    "alarm comparison": Row(
        "cloudwatch",
        "put_metric_alarm",
        "ValidationError",
        lambda w, n: {**alarm(n, 60), "ComparisonOperator": "Bigger"},
        lambda w, n: alarm(n, 60),
    ),
    "role name of 65 letters": Row(
        "iam", "create_role", "ValidationError", lambda w, n: role("r" * 65), lambda w, n: role(n)
    ),
    "role that nobody may assume": Row(
        "iam",
        "create_role",
        "MalformedPolicyDocument",
        lambda w, n: {"RoleName": n, "AssumeRolePolicyDocument": "{}"},
        lambda w, n: role(n),
    ),
    # -- the same kinds elsewhere --------------------------------------------------------------------------
    "no image": launch(lambda w: {"ImageId": None}, "MissingParameter", lambda w: {}),
    "more instances at least than at most": launch(
        lambda w: {"MinCount": 2, "MaxCount": 1}, "InvalidParameterValue", lambda w: {"MinCount": 1, "MaxCount": 1}
    ),
    "shutdown behaviour": launch(
        lambda w: {"InstanceInitiatedShutdownBehavior": "explode"},
        "InvalidParameterValue",
        lambda w: {"InstanceInitiatedShutdownBehavior": "terminate"},
    ),
    "volume type": launch(
        lambda w: {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp9"}}]},
        "InvalidParameterValue",
        lambda w: {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp3"}}]},
    ),
    "speed of a volume that has none": launch(
        lambda w: {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp2", "Iops": 4000}}]},
        "InvalidParameterCombination",
        lambda w: {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp3", "Iops": 4000}}]},
    ),
    "zone of another subnet": launch(
        lambda w: {"Placement": {"AvailabilityZone": "us-east-1b"}},
        "InvalidParameterValue",
        lambda w: {"Placement": {"AvailabilityZone": "us-east-1a"}},
    ),
    "tags for something else": ec2(
        "create_internet_gateway",
        "InvalidParameterValue",
        lambda w, n: {"TagSpecifications": [{"ResourceType": "subnet", **tagged({"a": "b"})}]},
        lambda w, n: {"TagSpecifications": [{"ResourceType": "internet-gateway", **tagged({"a": "b"})}]},
    ),
    "51 tags": ec2(
        "create_tags",
        "TagLimitExceeded",
        lambda w, n: {"Resources": [w.a2], **tagged({f"k{i}": "x" for i in range(51)})},
        lambda w, n: {"Resources": [w.a2], **tagged({f"k{i}": "x" for i in range(50)})},
    ),
    "61 rules": ec2(
        "authorize_security_group_ingress",
        "RulesPerSecurityGroupLimitExceeded",
        lambda w, n: {"GroupId": w.other_group, "IpPermissions": permission(9, IpRanges=ranges(61))},
        lambda w, n: {"GroupId": w.other_group, "IpPermissions": permission(9, IpRanges=ranges(60))},
    ),
    "table of another VPC": ec2(
        "associate_route_table",
        "InvalidParameterValue",
        lambda w, n: {"RouteTableId": w.table, "SubnetId": w.other_a},
        lambda w, n: {"RouteTableId": w.table, "SubnetId": w.a2},
    ),
    "local route": ec2(
        "delete_route",
        "InvalidParameterValue",
        lambda w, n: {"RouteTableId": w.table, "DestinationCidrBlock": "10.9.0.0/16"},
        None,
    ),
    "type of a running instance": ec2(
        "modify_instance_attribute",
        "IncorrectInstanceState",
        lambda w, n: {"InstanceId": w.instance, "InstanceType": {"Value": "t3.small"}},
        lambda w, n: {"InstanceId": w.instance, "DisableApiTermination": {"Value": False}},
    ),
    "key type": ec2(
        "create_key_pair",
        "InvalidParameterValue",
        lambda w, n: {"KeyName": n, "KeyType": "dsa"},
        lambda w, n: {"KeyName": n, "KeyType": "ed25519"},
    ),
    "NAT gateway that is not": ec2(
        "describe_nat_gateways",
        "NatGatewayNotFound",
        lambda w, n: {"NatGatewayIds": ["nat-0123456789abcdef0"]},
        lambda w, n: {},
    ),
    "group of another VPC on a load balancer": elbv2(
        "set_security_groups",
        "InvalidConfigurationRequest",
        lambda w, n: {"LoadBalancerArn": w.balancer, "SecurityGroups": [w.other_group]},
        lambda w, n: {"LoadBalancerArn": w.balancer, "SecurityGroups": [w.group]},
    ),
    "one name for two load balancers": elbv2(
        "create_load_balancer",
        "DuplicateLoadBalancerName",
        lambda w, n: {"Name": "world", "Subnets": [w.a2, w.b]},
        lambda w, n: {"Name": n, "Subnets": [w.a2, w.b]},
    ),
    "idle timeout": elbv2(
        "modify_load_balancer_attributes",
        "ValidationError",
        lambda w, n: {"LoadBalancerArn": w.balancer, **attribute("idle_timeout.timeout_seconds", "4001")},
        lambda w, n: {"LoadBalancerArn": w.balancer, **attribute("idle_timeout.timeout_seconds", "4000")},
    ),
    "deregistration delay": elbv2(
        "modify_target_group_attributes",
        "ValidationError",
        lambda w, n: {"TargetGroupArn": w.targets, **attribute("deregistration_delay.timeout_seconds", "3601")},
        lambda w, n: {"TargetGroupArn": w.targets, **attribute("deregistration_delay.timeout_seconds", "3600")},
    ),
    "unknown attribute": elbv2(
        "modify_target_group_attributes",
        "ValidationError",
        lambda w, n: {"TargetGroupArn": w.targets, **attribute("deregistration_delay", "5")},
        lambda w, n: {"TargetGroupArn": w.targets, **attribute("deregistration_delay.timeout_seconds", "5")},
    ),
    "target group in use": elbv2(
        "delete_target_group",
        "ResourceInUse",
        lambda w, n: {"TargetGroupArn": w.targets},
        lambda w, n: {"TargetGroupArn": w.target_group(n)},
    ),
    "address among instances": elbv2(
        "register_targets",
        "ValidationError",
        lambda w, n: {"TargetGroupArn": w.targets, "Targets": [{"Id": "10.9.0.4"}]},
        lambda w, n: {"TargetGroupArn": w.target_group(n, TargetType="ip"), "Targets": [{"Id": "10.9.0.4"}]},
    ),
    "condition on the moon": elbv2(
        "create_rule",
        "ValidationError",
        lambda w, n: {**rule(w, 8), "Conditions": [{"Field": "moon", "Values": ["full"]}]},
        lambda w, n: {**rule(w, 8), "Conditions": [{"Field": "host-header", "Values": ["example.org"]}]},
    ),
    "status of a fixed response": elbv2(
        "create_rule",
        "ValidationError",
        lambda w, n: {**rule(w, 9), "Actions": [fixed("999")]},
        lambda w, n: {**rule(w, 9), "Actions": [fixed("503")]},
    ),
    "group of another VPC on a database": database(
        "InvalidParameterValue", {"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]}, {"VpcSecurityGroupIds": []}
    ),
    "database port 80": database("InvalidParameterValue", {"Port": 80}, {"Port": 5433}),
    "unknown subnet group": database("DBSubnetGroupNotFoundFault", {"DBSubnetGroupName": "none"}, {}),
    "unknown parameter group": database("DBParameterGroupNotFound", {"DBParameterGroupName": "none"}, {}),
    "zone with Multi-AZ": database(
        "InvalidParameterCombination",
        {"MultiAZ": True, "AvailabilityZone": "us-east-1a"},
        {"MultiAZ": False, "AvailabilityZone": "us-east-1a"},
    ),
    "monitoring interval": database("InvalidParameterValue", {"MonitoringInterval": 7}, {"MonitoringInterval": 0}),
    "engine": database("InvalidParameterValue", {"Engine": "postgrex"}, {}),
    "family": rds(
        "create_db_parameter_group",
        "InvalidParameterValue",
        lambda w, n: {"DBParameterGroupName": n, "DBParameterGroupFamily": "postgres99", "Description": "d"},
        lambda w, n: {"DBParameterGroupName": n, "DBParameterGroupFamily": "postgres16", "Description": "d"},
    ),
    "downgrade": rds(
        "modify_db_instance",
        "InvalidParameterCombination",
        lambda w, n: {"DBInstanceIdentifier": "world", "EngineVersion": "16.4"},
        lambda w, n: {"DBInstanceIdentifier": "world", "BackupRetentionPeriod": 2},
    ),
    "start of what runs": rds(
        "start_db_instance", "InvalidDBInstanceState", lambda w, n: {"DBInstanceIdentifier": "world"}, None
    ),
    "parameter with a space": Row(
        "ssm",
        "put_parameter",
        "ValidationException",
        lambda w, n: {"Name": f"/{n} x", "Value": "x", "Type": "String"},
        lambda w, n: {"Name": f"/{n}/x", "Value": "x", "Type": "SecureString"},
    ),
    "secret with a space": Row(
        "secretsmanager",
        "create_secret",
        "ValidationException",
        lambda w, n: {"Name": f"{n} x", "SecretString": "x"},
        lambda w, n: {"Name": f"{n}/x", "SecretString": "x"},
    ),
    "log group with a space": Row(
        "logs",
        "create_log_group",
        "InvalidParameterException",
        lambda w, n: {"logGroupName": f"/{n} x"},
        lambda w, n: {"logGroupName": f"/{n}/x"},
    ),
    "alarm over more than a day": Row(
        "cloudwatch",
        "put_metric_alarm",
        "ValidationError",
        lambda w, n: {**alarm(n, 300), "EvaluationPeriods": 289},
        lambda w, n: {**alarm(n, 300), "EvaluationPeriods": 288},
    ),
    "bucket like an address": Row(
        "s3", "create_bucket", "InvalidBucketName", lambda w, n: {"Bucket": "192.168.5.4"}, lambda w, n: {"Bucket": n}
    ),
}  # fmt: skip


def ranges(count: int) -> list[dict[str, str]]:
    return [{"CidrIp": f"203.0.{number}.0/24"} for number in range(count)]


def attribute(key: str, value: str) -> dict[str, Any]:
    return {"Attributes": [{"Key": key, "Value": value}]}


def fixed(status: str) -> dict[str, Any]:
    return {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status}}


def rule(world: World, priority: int) -> dict[str, Any]:
    return {
        "ListenerArn": world.listener,
        "Priority": priority,
        "Conditions": [{"Field": "path-pattern", "Values": ["/x"]}],
        "Actions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    }


def stranger(world: World) -> str:
    instance = world.run(SubnetId=world.other_a)
    world.ec2.get_waiter("instance_running").wait(InstanceIds=[instance])
    return instance


def subnets(name: str, *identifiers: str) -> dict[str, Any]:
    return {"DBSubnetGroupName": name, "DBSubnetGroupDescription": "d", "SubnetIds": list(identifiers)}


def parameter(name: str, value: str, method: str) -> dict[str, Any]:
    params = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}
    return {"DBParameterGroupName": "world", "Parameters": [params]}


def alarm(name: str, period: int) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "MetricName": "m",
        "Namespace": "n",
        "Statistic": "Sum",
        "Period": period,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }


def role(name: str) -> dict[str, Any]:
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
        '"Principal":{"Service":"ec2.amazonaws.com"}}]}'
    )
    return {"RoleName": name, "AssumeRolePolicyDocument": trust}


@pytest.mark.parametrize("row", [pytest.param(row, id=title.replace(" ", "-")) for title, row in ROWS.items()])
def test_refused_and_put_right_accepted(row: Row, world: World, clients: Clients, name: str) -> None:
    refuse_and_accept(row, world, clients, name)


def refuse_and_accept(row: Row, world: World, clients: Clients, name: str) -> None:
    call = getattr(clients.get(row.service), row.action)
    with pytest.raises(ClientError) as refused:
        call(**row.refused(world, name))
    assert refused.value.response["Error"]["Code"] == row.code
    if row.accepted is not None:
        answer = call(**row.accepted(world, name))
        tidy(world, row, answer, name)


def tidy(world: World, row: Row, answer: dict[str, Any], name: str) -> None:
    """Give back what counts against a quota."""
    if row.action == "run_instances":
        world.ec2.terminate_instances(InstanceIds=[one["InstanceId"] for one in answer["Instances"]])
    if row.action == "create_db_instance":
        identifier = answer["DBInstance"]["DBInstanceIdentifier"]
        world.rds.delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)
    if row.action == "create_internet_gateway":
        world.ec2.delete_internet_gateway(InternetGatewayId=answer["InternetGateway"]["InternetGatewayId"])
    if row.action == "create_load_balancer":
        world.elbv2.delete_load_balancer(LoadBalancerArn=answer["LoadBalancers"][0]["LoadBalancerArn"])
