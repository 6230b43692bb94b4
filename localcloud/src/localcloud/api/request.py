"""An AWS call parsed from its HTTP request: service, region, action and parameters."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from copy import copy
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request
from moto.core.routing import NotFound, get_service_router
from moto.core.utils import get_service_model
from werkzeug.datastructures import MultiDict

SCOPE = re.compile(r"Credential=([^/,]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request")

# Service names in signatures that differ from those of boto3.
SERVICES = {
    "elasticloadbalancing": "elbv2", "monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi",
    "elasticfilesystem": "efs", "elasticmapreduce": "emr", "servicequotas": "service-quotas", "states": "stepfunctions",
}  # fmt: skip
IN_XML = {"s3", "route53", "cloudfront"}
CLASSIC_ELB_VERSION = "2012-06-01"

READ_VERBS = re.compile(
    r"(Describe|Get|List|Head|Search|Lookup|Assume|Decode|Decrypt|Encrypt|Verify|BatchGet|Query|Scan|Simulate|Filter|"
    r"Estimate|Test|Validate|Check|Preview|Select|Receive)"
)
# Exceptions: reads that do not start with a read verb, and changes that do.
READS = {
    "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:GenerateRandom", "kms:Sign", "logs:StartQuery",
    "secretsmanager:GetRandomPassword", "iam:GenerateCredentialReport", "iam:GenerateServiceLastAccessedDetails",
    "ecr:GetAuthorizationToken", "rds:DownloadDBLogFilePortion", "ecr:BatchCheckLayerAvailability",
}  # fmt: skip
CHANGES = {"sqs:ReceiveMessage"}


def _read_body(environ: dict[str, Any]) -> bytes:
    """Read the request body, and rewind it for moto."""
    length = environ.get("CONTENT_LENGTH")
    size = -1 if environ.get("wsgi.input_terminated") and not length else int(length or 0)
    body: bytes = environ["wsgi.input"].read(size) if size else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body


class Call:
    """A call and its parts.

    service: boto3's name (ec2, elbv2, rds, iam …), or `unknown` if the request names none.
    access_key: the signer's access key id, or None for an unsigned request.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.body = _read_body(environ)
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ.get("PATH_INFO", "/")
        self.access_key, self.region, self.service = self._signer()
        self._values = self._form()
        if self.service == "elbv2" and self._values.get("Version") == CLASSIC_ELB_VERSION:
            self.service = "elb"
        self._uri_parameters: dict[str, Any] = {}
        self.action = self._action()

    def _signer(self) -> tuple[str | None, str, str]:
        found = SCOPE.search(self.environ.get("HTTP_AUTHORIZATION", ""))
        if not found:
            return None, "us-east-1", "s3" if self.method in ("GET", "HEAD") else "unknown"
        access_key, _, region, service = found.groups()
        return access_key, region, SERVICES.get(service, service)

    def _form(self) -> dict[str, str]:
        if self.environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        if self.method == "GET" and "Action=" in self.environ.get("QUERY_STRING", ""):
            return dict(parse_qsl(self.environ["QUERY_STRING"], keep_blank_values=True))
        return {}

    def _action(self) -> str:
        if target := self.environ.get("HTTP_X_AMZ_TARGET"):
            return str(target).rsplit(".", 1)[-1]
        if action := self._values.get("Action"):
            return action
        if self.path.startswith("/service/") and "/operation/" in self.path:
            return self.path.rsplit("/", 1)[-1]
        try:
            operation, self._uri_parameters = get_service_router(self.service).match(self._request)
        except (NotFound, NotImplementedError, UnknownServiceError, KeyError, AttributeError):
            return f"{self.method} {self.path}"
        return str(operation.name)

    @cached_property
    def _request(self) -> Request:
        return Request(self.environ, populate_request=False, shallow=False)

    @cached_property
    def operation(self) -> OperationModel | None:
        """The action in AWS's service model, or None if the service has no such action."""
        try:
            return get_service_model(self.service).operation_model(self.action)
        except (UnknownServiceError, OperationNotFoundError):
            return None

    @cached_property
    def protocol(self) -> str:
        """AWS's name for the wire format: ec2, query, json, rest-json, rest-xml or smithy-rpc-v2-cbor."""
        if self.path.startswith("/service/") and "/operation/" in self.path:
            return "smithy-rpc-v2-cbor"
        if self._values:
            return "ec2" if self.service == "ec2" else "query"
        if self.environ.get("HTTP_X_AMZ_TARGET"):
            return "json"
        if self.operation:
            return str(self.operation.service_model.protocol)
        return "rest-xml" if self.service in IN_XML | {"unknown"} else "rest-json"

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Typed parameters, named as in the service model; empty if they cannot be parsed."""
        parser = PROTOCOL_PARSERS.get(self.protocol)
        if self.operation is None or parser is None:
            return {}
        parsed = parser(self.operation).parse(
            {
                "method": self.method,
                "values": MultiDict(self._values),
                "headers": self._request.headers,
                "body": self.body,
                "url_path": self.path,
                "url_params": self._uri_parameters,
            }
        )
        return dict(parsed)

    def rewrite(self, change: Callable[[str, str], str]) -> None:
        """Replace every form value by change(name, value), for this package and for moto."""
        changed = {name: change(name, value) for name, value in self._values.items()}
        if changed == self._values:
            return
        self._values = changed
        self.__dict__.pop("parameters", None)
        if self.method == "GET":
            self.environ["QUERY_STRING"] = urlencode(changed)
            return
        self.body = urlencode(changed).encode()
        self.environ["CONTENT_LENGTH"] = str(len(self.body))

    def with_parameters(self, parameters: dict[str, Any]) -> Call:
        """A copy of the call with these parameters."""
        other = copy(self)
        other.__dict__["parameters"] = parameters
        return other

    @property
    def name(self) -> str:
        """service:Action, as in IAM policies, but with boto3's service names."""
        return f"{self.service}:{self.action}"

    @property
    def is_dry_run(self) -> bool:
        return self._values.get("DryRun", "").lower() == "true"

    @property
    def mutates(self) -> bool:
        """Whether the call changes something, even if it is refused. A dry run does not."""
        return self.is_change and not self.is_dry_run

    @cached_property
    def is_change(self) -> bool:
        """Whether the action changes something."""
        if self.name in READS:
            return False
        if self.name in CHANGES:
            return True
        if self.operation is not None and self.protocol.startswith("rest-"):
            return self.method not in ("GET", "HEAD")
        return not READ_VERBS.match(self.action)


def asks(value: Any) -> bool:
    """Whether a parameter requests something: `false`, empty values and {"Enabled": false} do not."""
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return bool(value) if members is None else any(asks(member) for member in members)
