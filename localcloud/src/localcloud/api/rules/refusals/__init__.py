"""What AWS refuses and moto accepts, by service and kind. Each rule tells itself by the error that it raises.

Beside these stand the rules of AWS's own service models (`service_model.py`): enumerations, lengths, patterns, ranges.
"""

from localcloud.api.request import Call

from . import (  # noqa: F401 - importing a module registers its rules
    addresses,
    database_places,
    database_windows,
    databases,
    deletions,
    endpoints,
    groups,
    identifiers,
    instances,
    listeners,
    load_balancers,
    monitoring,
    networks,
    others,
    parameter_groups,
    policies,
    quotas,
    routes,
    tags,
    target_groups,
    volumes,
)
from .rules import RULES


def check(call: Call) -> None:
    """Raise AwsError for a call that AWS would refuse. The caller holds the lock on moto's models."""
    general = RULES[f"{call.service}:*"] if call.is_change else RULES[f"{call.service}:?"]
    for rule in (*general, *RULES[call.name]):
        rule(call)
