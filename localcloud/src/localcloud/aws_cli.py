"""A plugin for the AWS command line (version 1), which else sends `aws rds` in us-east-1 to the real AWS.

Version 1 gives some services an endpoint of its own making (`https://rds.amazonaws.com`), which wins over
AWS_ENDPOINT_URL. Version 2 does not, and does not load this.
"""

from typing import Any

CONFIG = "[plugins]\nlocalcloud = localcloud.aws_cli\n"


def awscli_initialize(_cli: Any) -> None:
    """Called by the command line for each plugin, before its own handlers are registered."""
    from awscli.customizations.overridesslcommonname import SSL_COMMON_NAMES

    SSL_COMMON_NAMES.clear()
