"""NAT gateways: pending, available, deleting, deleted, failed."""

from __future__ import annotations

import time
from typing import Any

from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend

from .. import lifecycle
from ..patching import replace, wrap


def state_of(gateway: Any) -> str:
    clock = lifecycle.current()
    if gateway._deleting_since is not None:
        return "deleted" if gateway._deleted else "deleting"
    if clock.failure(gateway.id):
        return "failed"
    if not gateway._settled:
        gateway._settled = clock.over("nat gateway pending", gateway._since) and clock.is_real(gateway.id)
    return "available" if gateway._settled else "pending"


def holds(elastic: Any) -> bool:
    """Whether a NAT gateway has the address, or had it until a moment ago: AWS shows it free before it lets it go."""
    is_its = str(getattr(elastic.eni, "manager", "")).startswith("nat-")
    since = getattr(elastic, "_left_since", None)
    return is_its or (since is not None and not lifecycle.current().over("nat gateway address released", since))


def _make(init: Any, gateway: Any, /, *args: Any, **kwargs: Any) -> None:
    gateway._since = time.monotonic()
    gateway._settled = gateway._deleted = False
    gateway._deleting_since = None
    init(gateway, *args, **kwargs)


def _delete(delete: Any, backend: Any, nat_gateway_id: str) -> Any:
    gateway: Any = delete(backend, nat_gateway_id)
    if gateway._deleting_since is None:
        gateway._deleting_since = time.monotonic()
        lifecycle.current().schedule(
            "nat gateway deleting", lambda: _end(gateway), lambda: lifecycle.current().is_gone(gateway.id)
        )
    return gateway


def apply() -> None:
    wrap(NatGateway, __init__=_make)
    replace(
        NatGateway,
        state=property(state_of, lambda self, value: None),
        failure_message=property(lambda self: lifecycle.current().failure(self.id)),
    )
    wrap(NatGatewayBackend, delete_nat_gateway=_delete)


def _end(gateway: Any) -> None:
    """Delete the interface and free the elastic address."""
    gateway._deleted = True
    ec2 = gateway.ec2_backend
    for elastic in ec2.addresses:
        if elastic.eni is not None and elastic.eni.id == gateway._eni.id:
            elastic.eni = elastic.instance = elastic.association_id = None
            elastic._left_since = time.monotonic()
    ec2.enis.pop(gateway._eni.id, None)
