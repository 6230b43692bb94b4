"""Variables by which a caller's environment names an AWS account. Neither the local cloud nor what runs in it reads them."""

from __future__ import annotations

from collections.abc import Mapping

# What AWS's own clients read, what the modules of `amazon.aws` read beside it, and what moto reads.
PREFIXES = ("AWS_", "BOTO_", "EC2_", "MOTO_", "S3_URL")
# These choose no account: whoever sets them for a command means the command.
PREFERENCES = {
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_DEFAULT_OUTPUT",
    "AWS_PAGER",
    "AWS_MAX_ATTEMPTS",
    "AWS_RETRY_MODE",
}


def of_an_account(environment: Mapping[str, str]) -> set[str]:
    """Names of the variables that choose an account, its credentials, or where it is reached."""
    return {name for name in environment if name.startswith(PREFIXES)} - PREFERENCES
