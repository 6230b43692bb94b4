"""Errors in the wire format of each AWS protocol."""

from __future__ import annotations

import json
import re
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from .request import Call

Answer = tuple[int, list[tuple[str, str]], bytes]


class AwsError(Exception):
    """A call that AWS would reject, with AWS's error code and message, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_EC2 = _XML + (
    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
    "<RequestID>{request}</RequestID></Response>"
)
_S3 = _XML + (
    "<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request}</RequestId><HostId>local</HostId></Error>"
)
_QUERY = _XML + (
    '<ErrorResponse xmlns="https://{service}.amazonaws.com/doc/"><Error><Type>{kind}</Type><Code>{code}</Code>'
    "<Message>{message}</Message></Error><RequestId>{request}</RequestId></ErrorResponse>"
)


def render(call: Call, error: AwsError) -> Answer:
    """Render the error in the protocol of the call: status, headers, body."""
    request = str(uuid.uuid4())
    headers = [("x-amzn-RequestId", request)]
    if call.protocol in ("json", "rest-json", "smithy-rpc-v2-cbor"):
        headers += [("x-amzn-ErrorType", error.code), ("x-amzn-query-error", f"{error.code};Sender")]
        body, content_type = _json_like(call.protocol, error)
    else:
        template = {"ec2": _EC2, "rest-xml": _S3 if call.service == "s3" else _QUERY}.get(call.protocol, _QUERY)
        body = template.format(
            code=escape(error.code),
            message=escape(error.message),
            request=request,
            service=call.service,
            kind="Receiver" if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Sender",
        ).encode()
        content_type = "text/xml;charset=UTF-8"
    headers += [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    return error.status, headers, b"" if call.method == "HEAD" else body


def _json_like(protocol: str, error: AwsError) -> tuple[bytes, str]:
    if protocol == "smithy-rpc-v2-cbor":
        return _cbor_map({"__type": error.code, "message": error.message}), "application/cbor"
    content = {"__type": error.code, "message": error.message}
    return json.dumps(content).encode(), "application/json" if protocol == "rest-json" else "application/x-amz-json-1.1"


def _cbor_map(members: dict[str, str]) -> bytes:
    """A CBOR map of text to text (RFC 8949), which is enough for an error."""
    return bytes([0xA0 | len(members)]) + b"".join(_cbor_text(t) for pair in members.items() for t in pair)


def _cbor_text(text: str) -> bytes:
    raw = text.encode()
    size = len(raw)
    head = bytes([0x60 | size]) if size < 24 else b"\x78" + bytes([size]) if size < 256 else b"\x79" + size.to_bytes(2)
    return head + raw


_CODE = re.compile(rb"<Code>([^<]+)</Code>|\"__type\"\s*:\s*\"(?:[^\"#]*#)?([^\"]+)\"")


def code_of(body: bytes, headers: list[tuple[str, str]]) -> str | None:
    """The code in an error response, or None if there is none (HEAD requests)."""
    for name, value in headers:
        if name.lower() in ("x-amzn-errortype", "x-amzn-query-error") and value:
            return value.split(";")[0].split(":")[0].split("#")[-1]
    found = _CODE.search(body)
    return (found.group(1) or found.group(2)).decode() if found else None
