"""An operator who has the rights of docs/operator-policy.json and no other."""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3

from tests.support.cloud import ROOT, Cloud, tail

POLICY = ROOT / "docs/operator-policy.json"


def hire(cloud: Cloud, *more: str) -> None:
    """Let the cloud's playbooks run as the operator of its environment, and of these, from now on."""
    done = cloud.exec(sys.executable, "-m", "tests.whole.operator", cloud.env_name, *more)
    assert done.returncode == 0, tail(done.stdout)
    cloud.operator = json.loads(done.stdout.splitlines()[-1])


def policy(env_name: str) -> str:
    """The policy for an environment of project tandem, as docs/aws-account.md makes it."""
    return POLICY.read_text().replace("PROJECT", "tandem").replace("ENVIRONMENT", env_name)


def make(env_names: list[str]) -> dict[str, str]:
    """Environment variables with the access key of these environments' operator."""
    connect: Any = boto3.client  # its stubs want the service's name literally
    iam = connect("iam")
    iam.create_user(UserName="operator")
    for env_name in env_names:
        name = f"operator-{env_name}"
        arn = iam.create_policy(PolicyName=name, PolicyDocument=policy(env_name))["Policy"]["Arn"]
        iam.attach_user_policy(UserName="operator", PolicyArn=arn)
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


if __name__ == "__main__":
    print(json.dumps(make(sys.argv[1:])))
