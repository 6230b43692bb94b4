"""moto's own switches, set before moto is imported."""

import os
from pathlib import Path

DATA = Path(__file__).parent / "data"

SWITCHES = {
    "MOTO_AMIS_PATH": str(DATA / "images.json"),
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
    "MOTO_DISABLE_GLOBAL_CORS": "true",
}


def prepare() -> None:
    """Put moto's switches into this process's environment."""
    os.environ.update(SWITCHES)
