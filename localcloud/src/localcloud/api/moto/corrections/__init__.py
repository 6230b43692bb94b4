"""Small corrections to moto, each needed by an unmodified `amazon.aws` module or by the data plane.

Every correction is one function that changes moto in place and whose docstring says who needs it, so that it can go when
moto is mended. They are made once a process.
"""

from functools import cache

from . import addresses, ec2, elbv2, iam, lifetimes, orderable, rds, volumes


@cache
def apply() -> None:
    """Make all corrections."""
    for module in (ec2, addresses, lifetimes, volumes, elbv2, rds, orderable, iam):
        for correction in module.ALL:
            correction()
