"""Load balancers: provisioning, active, failed; and their DNS names."""

from __future__ import annotations

import secrets
import time
from typing import Any

from moto.elbv2.models import FakeLoadBalancer

from .. import lifecycle
from ..patching import replace, wrap

NUMBER = 10**9


def state_of(balancer: Any) -> str:
    clock = lifecycle.current()
    if clock.failure(balancer.arn):
        return "failed"
    if not balancer._settled:
        balancer._settled = clock.over("load balancer provisioning", balancer._since) and clock.is_real(balancer.arn)
    return "active" if balancer._settled else "provisioning"


def _state(balancer: Any) -> dict[str, str]:
    state = {"Code": state_of(balancer)}
    if reason := lifecycle.current().failure(balancer.arn):
        state["Reason"] = reason
    return state


def _make(init: Any, balancer: Any, /, *args: Any, **kwargs: Any) -> None:
    balancer._since = time.monotonic()
    balancer._settled = False
    init(balancer, *args, **kwargs)
    region = balancer.arn.split(":")[3]
    prefix = "internal-" if balancer.scheme == "internal" else ""
    number = NUMBER + secrets.randbelow(9 * NUMBER)
    balancer.dns_name = f"{prefix}{balancer.name}-{number}.{region}.elb.amazonaws.com"


def apply() -> None:
    wrap(FakeLoadBalancer, __init__=_make)
    replace(
        FakeLoadBalancer,
        state=property(state_of, lambda self, value: None),
        load_balancer_state=property(_state),
    )
