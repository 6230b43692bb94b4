"""Clients of the API under test, and a VPC with everything in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.api import Api

ADMIN_PASSWORD = "correct-horse-9"


class Clients:
    """boto3 clients of an Api. port: its only port."""

    def __init__(self, api: Api) -> None:
        self.port = api.addresses[0][1]
        self._credentials = api.credentials
        self._made: dict[tuple[str | None, ...], Any] = {}

    def get(
        self,
        service: str,
        region: str = "us-east-1",
        key: str | None = None,
        secret: str | None = None,
        token: str | None = None,
    ) -> Any:
        """A client, by default with the administrator's key."""
        wanted = (service, region, key, secret, token)
        if wanted not in self._made:
            self._made[wanted] = self._make(*wanted)
        return self._made[wanted]

    def _make(self, service: str, region: str, key: str | None, secret: str | None, token: str | None) -> Any:
        session: Any = boto3.Session()
        return session.client(
            service,
            region_name=region,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=key or self._credentials.access_key_id,
            aws_secret_access_key=secret or self._credentials.secret_access_key,
            aws_session_token=token,
            # boto3's own validation would hide the API's.
            config=Config(parameter_validation=False, retries={"total_max_attempts": 1, "mode": "standard"}),
        )


def network(ec2: Any, cidr: str = "10.9.0.0/16", gateway: bool = True) -> str:
    """A VPC, with an internet gateway if wanted. Returns its id."""
    vpc: str = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    if gateway:
        igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    return vpc


def subnet(ec2: Any, vpc: str, cidr: str, zone: str) -> str:
    made: str = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]
    return made


def group(ec2: Any, vpc: str, name: str) -> str:
    made: str = ec2.create_security_group(GroupName=name, Description="for a test", VpcId=vpc)["GroupId"]
    return made


def image(ec2: Any) -> str:
    """The newest Debian 13 image."""
    found = ec2.describe_images(Owners=["136693071363"], Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])[
        "Images"
    ]
    newest: str = max(found, key=lambda image: image["CreationDate"])["ImageId"]
    return newest


class World:
    """IDs of a VPC's parts. other_…: those of a second VPC without an internet gateway."""

    def __init__(self, clients: Clients, region: str) -> None:
        self.region = region
        self.ec2, self.elbv2, self.rds = (clients.get(service, region) for service in ("ec2", "elbv2", "rds"))
        ec2 = self.ec2
        self.vpc, self.other_vpc = network(ec2), network(ec2, "10.8.0.0/16", gateway=False)
        self.a, self.b = (subnet(ec2, self.vpc, f"10.9.{n}.0/24", region + "ab"[n]) for n in (0, 1))
        self.a2 = subnet(ec2, self.vpc, "10.9.2.0/24", region + "a")
        self.other_a = subnet(ec2, self.other_vpc, "10.8.0.0/24", region + "a")
        self.other_b = subnet(ec2, self.other_vpc, "10.8.1.0/24", region + "b")
        self.group, self.other_group = group(ec2, self.vpc, "web"), group(ec2, self.other_vpc, "web")
        self.table = ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.image = image(ec2)
        self.instance = self.run(SubnetId=self.a)
        ec2.get_waiter("instance_running").wait(InstanceIds=[self.instance])
        self.balancer = self.elbv2.create_load_balancer(Name="world", Subnets=[self.a, self.b])["LoadBalancers"][0][
            "LoadBalancerArn"
        ]
        self.targets = self.target_group("world")
        self.listener = self.elbv2.create_listener(**self.listens(80))["Listeners"][0]["ListenerArn"]
        self.rds.create_db_subnet_group(
            DBSubnetGroupName="world", DBSubnetGroupDescription="two zones", SubnetIds=[self.a, self.b]
        )
        self.rds.create_db_parameter_group(
            DBParameterGroupName="world", DBParameterGroupFamily="postgres17", Description="for tests"
        )
        self.rds.create_db_parameter_group(
            DBParameterGroupName="old", DBParameterGroupFamily="postgres14", Description="for tests"
        )
        self.rds.create_db_instance(**self.database("world", DBParameterGroupName="world"))
        self.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="world")

    def run(self, **params: Any) -> str:
        """Run one instance. Returns its id."""
        made: str = self.ec2.run_instances(**self.launch(**params))["Instances"][0]["InstanceId"]
        return made

    def launch(self, **params: Any) -> dict[str, Any]:
        defaults: dict[str, Any] = {"ImageId": self.image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
        if "NetworkInterfaces" not in params:
            defaults["SubnetId"] = self.a
        return {name: value for name, value in {**defaults, **params}.items() if value is not None}

    def target_group(self, name: str, **params: Any) -> str:
        made: str = self.elbv2.create_target_group(**self.targeted(name, **params))["TargetGroups"][0]["TargetGroupArn"]
        return made

    def targeted(self, name: str, **params: Any) -> dict[str, Any]:
        return {"Name": name, "Protocol": "HTTP", "Port": 5000, "VpcId": self.vpc, **params}

    def listens(self, port: int, **params: Any) -> dict[str, Any]:
        action = {"Type": "forward", "TargetGroupArn": self.targets}
        return {
            "LoadBalancerArn": self.balancer,
            "Protocol": "HTTP",
            "Port": port,
            "DefaultActions": [action],
            **params,
        }

    def database(self, name: str, **params: Any) -> dict[str, Any]:
        return {
            "DBInstanceIdentifier": name,
            "Engine": "postgres",
            "EngineVersion": "17.6",
            "DBInstanceClass": "db.t3.micro",
            "AllocatedStorage": 20,
            "StorageType": "gp3",
            "MasterUsername": "postgres",
            "MasterUserPassword": ADMIN_PASSWORD,
            "DBSubnetGroupName": "world",
            "VpcSecurityGroupIds": [self.group],
            **params,
        }


def refused(call: Any, **params: Any) -> str:
    """The error code of a refused call."""
    with pytest.raises(ClientError) as error:
        call(**params)
    code: str = error.value.response["Error"]["Code"]
    return code


def until(condition: Callable[[], bool], attempts: int = 200) -> None:
    for _ in range(attempts):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("the condition did not come true")
