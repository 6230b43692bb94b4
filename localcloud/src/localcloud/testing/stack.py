"""The deployment's topology by plain boto3 calls, as a reference for what its roles create."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

Steps = Iterator[str]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class Stack:
    """One environment. build() yields after each step, so that a test can stop halfway. user_data: by host name."""

    def __init__(
        self, client: Callable[[str], Any], project: str, env: str, cidr: str = "10.60", zones: str = "us-east-1"
    ) -> None:
        self.client = client
        self.ec2, self.elb, self.rds = client("ec2"), client("elbv2"), client("rds")
        self.prefix, self.cidr, self.zones = f"{project}-{env}", cidr, [f"{zones}a", f"{zones}b"]
        self.path = f"/{project}/{env}"
        self.project, self.env = project, env
        self.ids: dict[str, str] = {}
        self.user_data: Callable[[str], str] = lambda name: ""

    def tags(self, name: str) -> list[dict[str, str]]:
        values = {"Project": self.project, "Environment": self.env, "Name": name}
        return [{"Key": key, "Value": value} for key, value in values.items()]

    def spec(self, kind: str, name: str, **more: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": self.tags(name) + [{"Key": k, "Value": v} for k, v in more.items()]}]

    def build(self) -> Steps:
        for step in (self._network, self._groups, self._rights, self._database, self._hosts, self._balancers):
            yield from step()

    def make(self) -> Stack:
        for _ in self.build():
            pass
        return self

    def _network(self) -> Steps:
        ec2, ids, p = self.ec2, self.ids, self.prefix
        ids["vpc"] = ec2.create_vpc(CidrBlock=f"{self.cidr}.0.0/16", TagSpecifications=self.spec("vpc", p))["Vpc"][
            "VpcId"
        ]
        yield "vpc"
        gateway = ec2.create_internet_gateway(TagSpecifications=self.spec("internet-gateway", p))["InternetGateway"]
        yield "internet gateway, not attached"
        ec2.attach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=ids["vpc"])
        for number, tier in enumerate(("public", "private", "isolated")):
            for zone in (0, 1):
                subnet = ec2.create_subnet(
                    VpcId=ids["vpc"],
                    CidrBlock=f"{self.cidr}.{number * 2 + zone}.0/24",
                    AvailabilityZone=self.zones[zone],
                    TagSpecifications=self.spec("subnet", f"{p}-{tier}-{zone}"),
                )
                ids[f"{tier}{zone}"] = subnet["Subnet"]["SubnetId"]
        yield "subnets"
        address = ec2.allocate_address(Domain="vpc", TagSpecifications=self.spec("elastic-ip", p))["AllocationId"]
        yield "elastic address"
        nat = ec2.create_nat_gateway(
            SubnetId=ids["public0"], AllocationId=address, TagSpecifications=self.spec("natgateway", p)
        )["NatGateway"]["NatGatewayId"]
        yield "NAT gateway, pending"
        ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 1})
        for tier, target in (
            ("public", {"GatewayId": gateway["InternetGatewayId"]}),
            ("private", {"NatGatewayId": nat}),
            ("isolated", {}),
        ):
            table = ec2.create_route_table(VpcId=ids["vpc"], TagSpecifications=self.spec("route-table", f"{p}-{tier}"))
            ids[f"{tier}_table"] = table["RouteTable"]["RouteTableId"]
            if target:
                ec2.create_route(RouteTableId=ids[f"{tier}_table"], DestinationCidrBlock="0.0.0.0/0", **target)
            for zone in (0, 1):
                ec2.associate_route_table(RouteTableId=ids[f"{tier}_table"], SubnetId=ids[f"{tier}{zone}"])
        ec2.create_vpc_endpoint(
            VpcId=ids["vpc"],
            VpcEndpointType="Gateway",
            ServiceName=f"com.amazonaws.{self.ec2.meta.region_name}.s3",
            RouteTableIds=[ids["private_table"]],
            TagSpecifications=self.spec("vpc-endpoint", p),
        )
        yield "routes"

    def _groups(self) -> Steps:
        """Security groups that refer to each other in a circle."""
        tiers = ("public_alb", "frontend", "internal_alb", "backend", "database")
        for tier in tiers:
            name = f"{self.prefix}-{tier}"
            group = self.ec2.create_security_group(
                GroupName=name,
                Description=tier,
                VpcId=self.ids["vpc"],
                TagSpecifications=self.spec("security-group", name),
            )
            self.ids[tier] = group["GroupId"]
        yield "security groups without rules"
        for source, target in zip((tiers[-1], *tiers), tiers, strict=False):
            permission = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 9999}
            self.ec2.authorize_security_group_ingress(
                GroupId=self.ids[target],
                IpPermissions=[{**permission, "UserIdGroupPairs": [{"GroupId": self.ids[source]}]}],
            )
            self.ec2.authorize_security_group_egress(
                GroupId=self.ids[source],
                IpPermissions=[{**permission, "UserIdGroupPairs": [{"GroupId": self.ids[target]}]}],
            )
        yield "security groups"

    def _rights(self) -> Steps:
        iam, name = self.client("iam"), f"{self.prefix}-host"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), Tags=self.tags(name))
        yield "role"
        iam.create_instance_profile(InstanceProfileName=name, Tags=self.tags(name))
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        key = f"{self.prefix}-ssh"
        self.ec2.create_key_pair(KeyName=key, TagSpecifications=self.spec("key-pair", key))
        yield "key pair and instance profile"

    def _database(self) -> Steps:
        name = self.prefix
        self.client("ssm").put_parameter(
            Name=f"{self.path}/database/password", Value="Correct-horse-9", Type="SecureString", Tags=self.tags(name)
        )
        self.rds.create_db_subnet_group(
            DBSubnetGroupName=name,
            DBSubnetGroupDescription=name,
            SubnetIds=[self.ids["isolated0"], self.ids["isolated1"]],
            Tags=self.tags(name),
        )
        self.rds.create_db_parameter_group(
            DBParameterGroupName=name, DBParameterGroupFamily="postgres17", Description=name, Tags=self.tags(name)
        )
        yield "groups of the database"
        self.rds.create_db_instance(
            DBInstanceIdentifier=name,
            Engine="postgres",
            EngineVersion="17",
            DBInstanceClass="db.t4g.micro",
            AllocatedStorage=20,
            StorageType="gp3",
            StorageEncrypted=True,
            MasterUsername="tandem_master",
            MasterUserPassword="Correct-horse-9",
            DBSubnetGroupName=name,
            DBParameterGroupName=name,
            VpcSecurityGroupIds=[self.ids["database"]],
            Tags=self.tags(name),
        )
        yield "database, creating"

    def _hosts(self) -> Steps:
        images = self.ec2.describe_images(
            Owners=["136693071363"], Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}]
        )["Images"]
        image = max(images, key=lambda found: found["CreationDate"])["ImageId"]
        for tier, subnet in (("frontend", "public"), ("backend", "private")):
            for zone in (0, 1):
                name = f"{tier}-{zone + 1}"
                reservation = self.ec2.run_instances(
                    ImageId=image,
                    InstanceType="t3.micro",
                    MinCount=1,
                    MaxCount=1,
                    KeyName=f"{self.prefix}-ssh",
                    IamInstanceProfile={"Name": f"{self.prefix}-host"},
                    UserData=self.user_data(name),
                    SubnetId=self.ids[f"{subnet}{zone}"],
                    SecurityGroupIds=[self.ids[tier]],
                    MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
                    TagSpecifications=[*self.spec("instance", name, Tier=tier), *self.spec("volume", name)],
                )
                self.ids[name] = reservation["Instances"][0]["InstanceId"]
            yield f"{tier} hosts, pending"
        hosts = [self.ids[name] for name in ("frontend-1", "frontend-2", "backend-1", "backend-2")]
        self.ec2.get_waiter("instance_running").wait(InstanceIds=hosts, WaiterConfig={"Delay": 1})
        yield "hosts"

    def _balancers(self) -> Steps:
        for tier, subnet, port in (("frontend", "public", 5000), ("backend", "private", 5001)):
            name, scheme = f"{self.prefix}-{tier}", "internet-facing" if tier == "frontend" else "internal"
            group = self.elb.create_target_group(
                Name=name,
                Protocol="HTTP",
                Port=port,
                VpcId=self.ids["vpc"],
                HealthCheckPath="/readyz",
                Tags=self.tags(name),
            )["TargetGroups"][0]["TargetGroupArn"]
            yield f"{tier} target group without load balancer"
            self.elb.register_targets(
                TargetGroupArn=group, Targets=[{"Id": self.ids[f"{tier}-1"]}, {"Id": self.ids[f"{tier}-2"]}]
            )
            group_name = "public_alb" if tier == "frontend" else "internal_alb"
            balancer = self.elb.create_load_balancer(
                Name=name,
                Subnets=[self.ids[f"{subnet}0"], self.ids[f"{subnet}1"]],
                SecurityGroups=[self.ids[group_name]],
                Scheme=scheme,
                Tags=self.tags(name),
            )["LoadBalancers"][0]["LoadBalancerArn"]
            yield f"{tier} load balancer, provisioning"
            self.elb.create_listener(
                LoadBalancerArn=balancer,
                Protocol="HTTP",
                Port=80,
                DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
            )
            yield f"{tier} listener"
