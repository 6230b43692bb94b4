"""Fault injection: throttling, internal errors, lost connections, latency and eventual consistency."""

from __future__ import annotations

import random
import re
import threading
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from .errors import AwsError
from .moto import lifecycle
from .request import Call
from .rules.refusals.identifiers import ENDPOINT, MEMBERS, not_found

_QUERY_SERVICES = (
    "elb", "elbv2", "rds", "iam", "sts", "cloudwatch", "autoscaling", "cloudformation", "route53", "sns", "elasticache",
)  # fmt: skip
THROTTLED = {
    **dict.fromkeys(_QUERY_SERVICES, ("Throttling", "Rate exceeded", 400)),
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
    "sqs": ("RequestThrottled", "Request is throttled.", 403),
    "lambda": ("TooManyRequestsException", "Rate exceeded", 429),
    "service-quotas": ("TooManyRequestsException", "Rate exceeded", 400),
    "resource-groups": ("TooManyRequestsException", "Rate exceeded", 429),
    "resourcegroupstaggingapi": ("ThrottledException", "Rate exceeded", 400),
}
THROTTLED_JSON = ("ThrottlingException", "Rate exceeded", 400)
INTERNAL = {
    "ec2": ("InternalError", "An internal error has occurred", 500),
    "s3": ("InternalError", "We encountered an internal error. Please try again.", 500),
    "sns": ("InternalError", "The request processing has failed because of an unknown error.", 500),
    "iam": ("ServiceFailure", "The request processing has failed because of an unknown error.", 500),
    "ssm": ("InternalServerError", "An error occurred on the server side.", 500),
    "dynamodb": ("InternalServerError", "An error occurred on the server side.", 500),
    "secretsmanager": ("InternalServiceError", "An error occurred on the server side.", 500),
    "kms": ("KMSInternalException", "An internal exception occurred.", 500),
    "cloudwatch": ("InternalServiceError", "Request processing has failed due to some unknown error.", 500),
}
INTERNAL_OTHERS = ("InternalFailure", "The request processing has failed because of an unknown error.", 500)

# Of launches that AWS takes and cannot carry out: code and message of the instance's StateReason.
LAUNCH_ERRORS = {
    "Client.InternalError": "Client error on launch",  # a key of the disk that the caller may not use, for example
    "Client.VolumeLimitExceeded": "Volume limit exceeded",
    "Server.InsufficientInstanceCapacity": "There is not enough capacity to fulfill your instance request",
    "Server.InternalError": "Internal error on launch",
}

# Only EC2 is eventually consistent: a new resource may not be found for some seconds.
_KINDS = {kind.prefix: kind for kind in (*MEMBERS.values(), ENDPOINT)}
_IDS = re.compile(rf"\b({'|'.join(_KINDS)})-[0-9a-f]{{17}}\b")


class FaultError(ValueError):
    """An unknown setting or an invalid value; the message lists what is allowed."""


@dataclass(frozen=True)
class Knobs:
    """throttle, error, reset_before, reset_after: the share of calls (0 to 1) that are throttled, fail with an internal
    error, or lose their connection before or after the work is done.

    latency_ms: added to every call. delay_s: seconds for which a new EC2 resource is not found.
    launch_error: why instances that are launched end soon after, one of LAUNCH_ERRORS.
    service, action: regular expressions for boto3's service name and the action; None matches all.
    seed: makes the random choices repeatable.
    """

    throttle: float = 0.0
    error: float = 0.0
    reset_before: float = 0.0
    reset_after: float = 0.0
    latency_ms: float = 0.0
    delay_s: float = 0.0
    launch_error: str | None = None
    service: str | None = None
    action: str | None = None
    seed: int = 0

    def matches(self, call: Call) -> bool:
        return all(
            pattern is None or re.search(pattern, name)
            for pattern, name in ((self.service, call.service), (self.action, call.action))
        )


class LostConnectionError(ConnectionError):
    """Reset the connection without a response."""


class Faults:
    """Thread-safe. Costs nothing while no fault is set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._knobs = Knobs()
        self._random = random.Random(0)  # noqa: S311 - for tests, not for secrets
        self._created: dict[str, float] = {}

    def get(self) -> dict[str, Any]:
        return asdict(self._knobs)

    def clear(self) -> dict[str, Any]:
        """End all faults."""
        with self._lock:
            self._knobs = Knobs()
        return self.get()

    def set(self, **knobs: Any) -> dict[str, Any]:
        """Change the given settings and keep the others. Returns all settings.

        Raises FaultError.
        """
        before = self._knobs
        unknown = knobs.keys() - asdict(before).keys()
        if unknown:
            raise FaultError(f"unknown faults {sorted(unknown)}: choose from {sorted(asdict(before))}")
        after = replace(before, **{name: value for name, value in knobs.items() if value is not None})
        _validate(after)
        with self._lock:
            self._knobs = after
            self._random.seed(after.seed)
            self._created.clear()
        return asdict(after)

    def before(self, call: Call) -> bool:
        """Inject the faults that precede the work. Returns whether to reset the connection after it.

        Raises AwsError, LostConnectionError.
        """
        knobs = self._knobs
        if knobs == Knobs() or not knobs.matches(call):
            return False
        if knobs.latency_ms:
            time.sleep(knobs.latency_ms / 1000)
        self._check_delay(call, knobs)
        with self._lock:
            roll = self._random.random()
        for share, end in (
            (knobs.throttle, AwsError(*THROTTLED.get(call.service, THROTTLED_JSON))),
            (knobs.error, AwsError(*INTERNAL.get(call.service, INTERNAL_OTHERS))),
            (knobs.reset_before, LostConnectionError()),
        ):
            if roll < share:
                raise end
            roll -= share
        return roll < knobs.reset_after

    def after(self, call: Call, body: bytes) -> None:
        """Record when new EC2 resources were created, and which launches fail."""
        if (error := self._knobs.launch_error) and call.name == "ec2:RunInstances" and self._knobs.matches(call):
            for found in re.findall(r"<instanceId>(i-[0-9a-f]{17})<", body.decode(errors="replace")):
                lifecycle.current().launch_errors[found] = (error, f"{error}: {LAUNCH_ERRORS[error]}")
        if self._knobs.delay_s and call.service == "ec2" and call.mutates:
            now = time.monotonic()
            with self._lock:
                for found in _IDS.finditer(body.decode(errors="replace")):
                    self._created.setdefault(found.group(), now)

    def _check_delay(self, call: Call, knobs: Knobs) -> None:
        if not knobs.delay_s or call.service != "ec2":
            return
        now = time.monotonic()
        for found in _IDS.finditer(call.body.decode(errors="replace")):
            if now - self._created.get(found.group(), 0) < knobs.delay_s:
                raise AwsError(
                    not_found(_KINDS[found.group(1)], call.action), f"The ID '{found.group()}' does not exist"
                )


def _validate(knobs: Knobs) -> None:
    rates = {name: getattr(knobs, name) for name in ("throttle", "error", "reset_before", "reset_after")}
    for name, value in rates.items():
        if not 0 <= value <= 1:
            raise FaultError(f"{name}={value}: want a share of 0 to 1, for example 0.1")
    if sum(rates.values()) > 1:
        raise FaultError(f"{' + '.join(rates)} is {sum(rates.values())}: want at most 1")
    for name, value, most in (("latency_ms", knobs.latency_ms, 60_000), ("delay_s", knobs.delay_s, 60)):
        if not 0 <= value <= most:
            raise FaultError(f"{name}={value}: want 0 to {most}")
    if knobs.launch_error not in (None, *LAUNCH_ERRORS):
        raise FaultError(f"launch_error={knobs.launch_error}: choose from {sorted(LAUNCH_ERRORS)}")
    for name, pattern in (("service", knobs.service), ("action", knobs.action)):
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise FaultError(f"{name}={pattern!r}: not a regular expression: {error}") from error
