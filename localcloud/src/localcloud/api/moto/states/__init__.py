"""Views on moto's models: the state that AWS would show now, from moto's own state, the clock and reality."""

from functools import cache

from . import databases, instances, load_balancers, nat_gateways, targets


@cache
def apply() -> None:
    """Make moto's models tell their state over time. Once a process."""
    for module in (instances, nat_gateways, load_balancers, targets, databases):
        module.apply()
