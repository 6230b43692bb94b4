"""Tags and ARNs of each resource type, and none of missing resources."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.api.iam import lookup, resources

from ..helpers import Clients, World
from ..rules.test_refusals import role

TAGS = [{"Key": "Project", "Value": "ours"}]
REGION = "us-east-1"
EVERY = [("ec2", kind) for kind in resources.EC2_TYPES.values()] + [
    (service, kind) for service, kinds in resources.NAMED_BY.items() for kind in kinds
]


@pytest.mark.parametrize(("service", "kind"), EVERY)
def test_a_missing_resource_has_no_tags_and_no_arn(world: World, service: str, kind: str) -> None:
    arn = f"arn:aws:{service}:{REGION}:123456789012:{kind}{':' if service == 'rds' else '/'}nobodys"
    assert lookup.tags(service, kind, arn, REGION) == {}
    assert lookup.arn(service, kind, "nobodys") is None


def specified(kind: str) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": TAGS}]}


def test_tags_of_each_type_are_found(clients: Clients, world: World, name: str) -> None:
    ec2, rds, iam = world.ec2, world.rds, clients.get("iam")
    ec2.create_key_pair(KeyName=name, **specified("key-pair"))
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, **specified("volume"))["VolumeId"]
    rds.create_db_subnet_group(
        DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=[world.a, world.b], Tags=TAGS
    )
    rds.create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily="postgres17", Description="d", Tags=TAGS
    )
    rds.create_db_instance(**world.database(name, Tags=TAGS))
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name)
    rds.create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier=name, Tags=TAGS)
    iam.create_role(**role(name), Path="/team/", Tags=TAGS)
    iam.create_user(UserName=name, Tags=TAGS)
    iam.create_instance_profile(InstanceProfileName=name, Tags=TAGS)
    clients.get("ssm").put_parameter(Name=f"/iam/{name}", Value="v", Type="String", Tags=TAGS)
    clients.get("secretsmanager").create_secret(Name=name, SecretString="s", Tags=TAGS)
    clients.get("logs").create_log_group(logGroupName=f"/iam/{name}", tags={"Project": "ours"})
    key = clients.get("kms").create_key(Tags=[{"TagKey": "Project", "TagValue": "ours"}])["KeyMetadata"]["KeyId"]
    table = {"TableName": name, "BillingMode": "PAY_PER_REQUEST", "Tags": TAGS}
    attributes = [{"AttributeName": "a", "AttributeType": "S"}]
    hashed = [{"AttributeName": "a", "KeyType": "HASH"}]
    clients.get("dynamodb").create_table(**table, AttributeDefinitions=attributes, KeySchema=hashed)
    for action, parameters in {
        "ec2:DeleteKeyPair": {"KeyName": name},
        "ec2:DeleteVolume": {"VolumeId": volume},
        "rds:DeleteDBSubnetGroup": {"DBSubnetGroupName": name},
        "rds:DeleteDBParameterGroup": {"DBParameterGroupName": name},
        "rds:DeleteDBSnapshot": {"DBSnapshotIdentifier": name},
        "rds:DeleteDBInstance": {"DBInstanceIdentifier": name},
        "iam:DeleteRole": {"RoleName": name},
        "iam:DeleteUser": {"UserName": name},
        "iam:DeleteInstanceProfile": {"InstanceProfileName": name},
        "ssm:DeleteParameter": {"Name": f"/iam/{name}"},
        "secretsmanager:DeleteSecret": {"SecretId": name},
        "logs:DeleteLogGroup": {"logGroupName": f"/iam/{name}"},
        "kms:DisableKey": {"KeyId": key},
        "dynamodb:DeleteTable": {"TableName": name},
    }.items():
        [touched] = resources.of(action, parameters, REGION)
        found = lookup.tags(action.partition(":")[0], touched.kind, touched.arn, REGION)
        assert found == {"Project": "ours"}, (action, touched.arn)
    [touched] = resources.of("iam:DeleteRole", {"RoleName": name}, REGION)
    assert touched.arn.endswith(f":role/team/{name}")
