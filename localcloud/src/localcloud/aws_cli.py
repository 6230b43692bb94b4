"""A plugin for AWS CLI version 1, which otherwise sends `aws rds` in us-east-1 to the real AWS.

Version 1 has built-in endpoints for some services (`https://rds.amazonaws.com`) that override AWS_ENDPOINT_URL.
Version 2 has none, and does not load this.
"""

from typing import Any

CONFIG = "[plugins]\nlocalcloud = localcloud.aws_cli\n"


def awscli_initialize(_cli: Any) -> None:
    """Called by the CLI for each plugin, before it registers its own handlers."""
    from awscli.customizations.overridesslcommonname import SSL_COMMON_NAMES

    SSL_COMMON_NAMES.clear()
