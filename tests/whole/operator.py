"""An operator who has the rights of docs/operator-policy.json and no other."""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3

from tests.support.cloud import ROOT, Cloud, tail

POLICY = ROOT / "docs/operator-policy.json"


def hire(cloud: Cloud) -> None:
    """Let the cloud's playbooks run as that operator from now on."""
    done = cloud.exec(sys.executable, "-m", "tests.whole.operator")
    assert done.returncode == 0, tail(done.stdout)
    cloud.operator = json.loads(done.stdout.splitlines()[-1])


def make() -> dict[str, str]:
    """Environment variables with the operator's access key."""
    connect: Any = boto3.client  # its stubs want the service's name literally
    iam = connect("iam")
    arn = iam.create_policy(PolicyName="operator", PolicyDocument=POLICY.read_text())["Policy"]["Arn"]
    iam.create_user(UserName="operator")
    iam.attach_user_policy(UserName="operator", PolicyArn=arn)
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


if __name__ == "__main__":
    print(json.dumps(make()))
