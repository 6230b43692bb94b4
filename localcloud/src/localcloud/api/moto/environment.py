"""Prepares the process environment before moto is imported: moto's settings, and nothing of the caller's AWS account."""

import os
from pathlib import Path

from localcloud.aws_environment import PREFERENCES, of_an_account

DATA = Path(__file__).parent / "data"

SWITCHES = {
    "MOTO_AMIS_PATH": str(DATA / "images.json"),
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
    "MOTO_DISABLE_GLOBAL_CORS": "true",
    # moto creates boto3 sessions: keep them away from profiles, files and the metadata service.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def prepare() -> None:
    """Remove the caller's AWS settings and set moto's."""
    for name in of_an_account(os.environ) | PREFERENCES:
        os.environ.pop(name, None)
    os.environ.update(SWITCHES)
