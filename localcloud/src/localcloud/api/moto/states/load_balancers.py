"""Load balancers: provisioning, active, failed; and their names."""

from __future__ import annotations

import secrets
import time
from typing import Any

from moto.elbv2.models import FakeLoadBalancer

from .. import lifecycle
from ..patching import replace

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


def apply() -> None:
    original = FakeLoadBalancer.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        self._since = time.monotonic()
        self._settled = False
        original(self, *args, **kwargs)
        region = self.arn.split(":")[3]
        prefix = "internal-" if self.scheme == "internal" else ""
        self.dns_name = f"{prefix}{self.name}-{NUMBER + secrets.randbelow(9 * NUMBER)}.{region}.elb.amazonaws.com"

    replace(FakeLoadBalancer, __init__=init)
    replace(FakeLoadBalancer, state=property(state_of, lambda self, value: None))
    replace(FakeLoadBalancer, load_balancer_state=property(_state))
