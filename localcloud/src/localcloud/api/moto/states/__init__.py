"""Patches moto's models to show the state that AWS would show now, from moto's state, the clock and reality."""

from functools import cache

from . import databases, instances, load_balancers, nat_gateways, targets


@cache
def apply() -> None:
    """Patch the models, once per process."""
    for module in (instances, nat_gateways, load_balancers, targets, databases):
        module.apply()
