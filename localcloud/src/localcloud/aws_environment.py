"""Environment variables that select an AWS account. The local cloud and its commands never see the caller's."""

from __future__ import annotations

from collections.abc import Mapping

# Read by AWS's clients, by the modules of `amazon.aws`, and by moto.
PREFIXES = ("AWS_", "BOTO_", "EC2_", "MOTO_", "S3_URL")
# Keep these: they do not select an account.
PREFERENCES = {
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_DEFAULT_OUTPUT",
    "AWS_PAGER",
    "AWS_MAX_ATTEMPTS",
    "AWS_RETRY_MODE",
}


def of_an_account(environment: Mapping[str, str]) -> set[str]:
    """Names of the variables that select an account, its credentials or its endpoints."""
    return {name for name in environment if name.startswith(PREFIXES)} - PREFERENCES
