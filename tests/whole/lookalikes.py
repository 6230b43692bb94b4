"""What looks like the environment under test and is not: all of it must survive everything."""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3

from localcloud.testing import TRUST
from tests.support.cloud import Cloud, tail


def plant(cloud: Cloud) -> None:
    """Put look-alikes of the cloud's environment into its account."""
    done = cloud.exec(sys.executable, "-m", "tests.whole.lookalikes", cloud.env_name)
    assert done.returncode == 0, tail(done.stdout)


def make(env_name: str) -> None:
    """The environment's names with another's tags, names that begin like its own, and a group of its name elsewhere."""
    connect: Any = boto3.client  # its stubs want the service's name literally
    ec2, iam, ssm = (connect(name) for name in ("ec2", "iam", "ssm"))
    prefix, longer = f"tandem-{env_name}", f"tandem-{env_name}-2"
    foreign = [
        {"Key": "Project", "Value": "tandem"},
        {"Key": "Environment", "Value": f"{env_name}-2"},
        {"Key": "Name", "Value": prefix},
    ]

    def tagged(kind: str) -> list[dict]:
        return [{"ResourceType": kind, "Tags": foreign}]

    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16", TagSpecifications=tagged("vpc"))["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.0.0/24", TagSpecifications=tagged("subnet"))
    ec2.create_security_group(GroupName=f"{prefix}-frontend", Description="Foreign, without tags", VpcId=vpc)
    ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway"))
    ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip"))
    ec2.create_key_pair(KeyName=longer, TagSpecifications=tagged("key-pair"))
    iam.create_role(RoleName=longer, AssumeRolePolicyDocument=json.dumps(TRUST), Tags=foreign)
    ssm.put_parameter(Name=f"/tandem/{env_name}-2/secret", Value="kept", Type="SecureString", Tags=foreign)
    ssm.put_parameter(Name=f"/other/tandem/{env_name}/secret", Value="kept", Type="SecureString")


if __name__ == "__main__":
    make(sys.argv[1])
