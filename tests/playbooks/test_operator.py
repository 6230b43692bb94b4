"""A user who has the rights of docs/operator-policy.json for one environment and no other, in an account with two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from localcloud.testing import Endpoint, Stack

from .conftest import REFUSALS


def test_what_is_another_environments_cannot_be_touched(cloud: Endpoint, operator_key: dict[str, str]) -> None:
    """Each call is refused where the thing is another environment's, and would be taken where it is the operator's own."""
    for env_name, network in (("local", "10.60"), ("local-2", "10.70")):
        Stack(cloud.client, "tandem", env_name, network).make()
    operator = replace(cloud, environment={**cloud.environment, **operator_key}, _clients={})
    taken = []
    for (service, action), both in calls(cloud).items():
        for whose, parameters in both.items():
            try:
                getattr(operator.client(service), action)(**parameters)
                code = ""
            except ClientError as error:
                code = error.response["Error"]["Code"]
            if (code in REFUSALS) is not (whose == "theirs"):
                taken.append(f"{service}:{action} on {whose}: {code or 'done'}")
    assert taken == []


def calls(cloud: Endpoint) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """By service and action: parameters on the operator's own, and on the other environment's. All are dry, or change nothing."""
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for whose, env_name in (("own", "local"), ("theirs", "local-2")):

        def of(listing: str, kind: str, env_name: str = env_name) -> Any:
            """Something of the environment, as EC2 lists it."""
            filters = [{"Name": "tag:Environment", "Values": [env_name]}, {"Name": "tag:Project", "Values": ["tandem"]}]
            return getattr(cloud.client("ec2"), listing)(Filters=filters)[kind][0]

        instance = of("describe_instances", "Reservations")["Instances"][0]["InstanceId"]
        group = of("describe_security_groups", "SecurityGroups")["GroupId"]
        vpc = of("describe_vpcs", "Vpcs")["VpcId"]
        anywhere = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        tag = [{"Key": "Owner", "Value": "me"}]
        path = f"/tandem/{env_name}"
        for call, parameters in {
            ("ec2", "terminate_instances"): {"InstanceIds": [instance], "DryRun": True},
            ("ec2", "stop_instances"): {"InstanceIds": [instance], "DryRun": True},
            ("ec2", "authorize_security_group_ingress"): {
                "GroupId": group,
                "IpPermissions": [anywhere],
                "DryRun": True,
            },
            ("ec2", "delete_security_group"): {"GroupId": group, "DryRun": True},
            ("ec2", "delete_vpc"): {"VpcId": vpc, "DryRun": True},
            ("ec2", "create_subnet"): {"VpcId": vpc, "CidrBlock": "10.1.0.0/24", "DryRun": True, **tagged("subnet")},
            ("ec2", "create_tags"): {"Resources": [instance], "Tags": tag, "DryRun": True},
            ("rds", "modify_db_instance"): {"DBInstanceIdentifier": f"tandem-{env_name}-database"},
            ("ssm", "get_parameter"): {"Name": f"{path}/database/master-password", "WithDecryption": True},
            ("ssm", "get_parameters_by_path"): {"Path": path, "Recursive": True},
            ("iam", "get_role"): {"RoleName": f"tandem-{env_name}-host"},
        }.items():
            found.setdefault(call, {})[whose] = parameters
    return found


def tagged(kind: str) -> dict[str, Any]:
    tags = {"Project": "tandem", "Environment": "local"}
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}]}
