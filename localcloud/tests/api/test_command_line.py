"""The AWS CLI as a plain client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from localcloud import aws_cli
from localcloud.api import Api

from .helpers import World

AWS = Path(sys.executable).with_name("aws")


@pytest.mark.parametrize(
    ("command", "member"),
    [
        ("rds describe-db-instances", "DBInstances"),
        ("ec2 describe-instances", "Reservations"),
        ("elbv2 describe-load-balancers", "LoadBalancers"),
        ("sts get-caller-identity", "Account"),
        ("s3api list-buckets", "Buckets"),
    ],
)
def test_it_talks_to_this_cloud(api: Api, world: World, tmp_path: Path, command: str, member: str) -> None:
    config = tmp_path / "aws-config"
    config.write_text(aws_cli.CONFIG)
    environment = {
        **os.environ,
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{api.addresses[0][1]}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": api.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": api.credentials.secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run(
        [AWS, *command.split(), "--output", "json"], env=environment, check=True, capture_output=True, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    assert member in answer
