"""Idempotency by ClientToken: a repeated request gets the first response and creates nothing."""

from __future__ import annotations

from collections import OrderedDict
from http import HTTPStatus
from typing import Any

from .errors import Answer, AwsError
from .request import Call

MAX_ENTRIES = 2000


class IdempotencyCache:
    """Responses to the latest requests that carried a token."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, ...], tuple[dict[str, Any], Answer]] = OrderedDict()

    def recall(self, call: Call) -> Answer | None:
        """The response to an earlier call with the same token. Raises AwsError if the parameters differ."""
        key = _key(call)
        found = self._answers.get(key) if key else None
        if found is None:
            return None
        parameters, answer = found
        if parameters != call.parameters:
            raise AwsError(
                "IdempotentParameterMismatch", "The client token has been used before with different parameters."
            )
        return answer

    def keep(self, call: Call, answer: Answer) -> None:
        key = _key(call)
        if key and answer[0] < HTTPStatus.BAD_REQUEST:
            self._answers[key] = (call.parameters, answer)
            if len(self._answers) > MAX_ENTRIES:
                self._answers.popitem(last=False)


def _key(call: Call) -> tuple[str, ...] | None:
    if call.service != "ec2" or not call.mutates:
        return None  # moto handles the tokens of other services
    token = call.parameters.get("ClientToken")
    return (call.service, call.region, call.action, token) if token else None
