"""Small corrections to moto, each needed by an unmodified `amazon.aws` module or by the data plane.

Each is a function that patches moto. Its docstring says who needs it, so that it can go once moto is fixed.
"""

from functools import cache

from . import addresses, attachments, ec2, elbv2, iam, lifetimes, orderable, rds, volumes


@cache
def apply() -> None:
    """Apply all corrections, once per process."""
    for module in (ec2, addresses, attachments, lifetimes, volumes, elbv2, rds, orderable, iam):
        for correction in module.ALL:
            correction()
