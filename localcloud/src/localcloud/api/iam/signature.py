"""Authentication: verifies Signature Version 4, then checks IAM policies."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from moto.iam.access_control import CreateAccessKeyFailure, create_access_key
from moto.sts import sts_backends

from localcloud.settings import ACCOUNT_ID

from ..errors import AwsError
from ..moto import moto_state
from ..request import SCOPE, Call
from . import judge
from .credentials import Credentials

ADMINISTRATOR = "administrator"
SKEW = timedelta(minutes=5)
NOT_SIGNED = {"sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"}
JSON_PROTOCOLS = ("json", "rest-json", "smithy-rpc-v2-cbor")
_SIGNED = re.compile(r"SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)")


def create_administrator(credentials: Credentials) -> None:
    """Create the IAM user who owns the local account's access key."""
    iam = moto_state.iam()
    iam.create_user("us-east-1", ADMINISTRATOR)
    iam.attach_user_policy("arn:aws:iam::aws:policy/AdministratorAccess", ADMINISTRATOR)
    key = iam.create_access_key(ADMINISTRATOR)
    del iam.access_keys[key.access_key_id]
    key.access_key_id, key.secret_access_key = credentials.access_key_id, credentials.secret_access_key
    iam.access_keys[key.access_key_id] = key


def check(call: Call) -> None:
    """Raise AwsError unless a valid key of this account signed the call just now, and its owner may make it."""
    if call.access_key is None:
        if call.name not in NOT_SIGNED:
            raise _error(call, "missing")
        return
    if call.region not in moto_state.regions():
        raise _error(call, "region")
    if call.region not in moto_state.ENABLED_REGIONS:
        raise _error(call, "key")  # a region that is not enabled knows no key of the account
    key = _key(call)
    found = _SIGNED.search(call.environ["HTTP_AUTHORIZATION"])
    if found is None:
        raise AwsError("IncompleteSignature", "Authorization header requires SignedHeaders and Signature.")
    _check_time(call)
    secret = key.create_credentials().secret_key
    if not hmac.compare_digest(found.group(2), sign(call, secret, found.group(1))):
        raise _error(call, "signature")
    if call.name != "sts:GetCallerIdentity":
        judge.check(call)


def sign(call: Call, secret: str, signed_headers: str) -> str:
    """The Signature Version 4 that the call must carry."""
    scope = SCOPE.search(call.environ["HTTP_AUTHORIZATION"])
    assert scope is not None  # noqa: S101 - call.access_key came from it
    _, date, region, service = scope.groups()
    canonical = "\n".join(
        (
            call.method,
            _canonical_path(call),
            _canonical_query(call.environ.get("QUERY_STRING", "")),
            *(f"{name}:{' '.join(_header(call, name).split())}" for name in signed_headers.split(";")),
            "",
            signed_headers,
            call.environ.get("HTTP_X_AMZ_CONTENT_SHA256") or hashlib.sha256(call.body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{_time(call)}\n{date}/{region}/{service}/aws4_request\n{digest}"
    return hmac.new(_signing_key(secret, date, region, service), text.encode(), "sha256").hexdigest()


@lru_cache(maxsize=256)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return key


def _header(call: Call, name: str) -> str:
    key = name.upper().replace("-", "_")
    environ_key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
    return str(call.environ.get(environ_key, ""))


def _time(call: Call) -> str:
    return _header(call, "x-amz-date")


def _canonical_path(call: Call) -> str:
    raw = str(call.environ.get("RAW_URI") or call.environ.get("REQUEST_URI") or call.path).split("?", 1)[0] or "/"
    return raw if call.service == "s3" else quote(raw, safe="/~")


def _canonical_query(query: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    return "&".join(sorted(f"{name}={value}" for name, _, value in pairs))


def _check_time(call: Call) -> None:
    try:
        at = datetime.strptime(_time(call), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise AwsError("IncompleteSignature", "Authorization header requires an X-Amz-Date header.") from error
    if abs(datetime.now(UTC) - at) > SKEW:
        raise _error(call, "time")


def _key(call: Call) -> Any:
    """moto's access key for an IAM user or an assumed role."""
    token = call.environ.get("HTTP_X_AMZ_SECURITY_TOKEN")
    headers = {"X-Amz-Security-Token": token} if token else {}
    access_key = str(call.access_key)
    try:
        key = create_access_key(ACCOUNT_ID, "aws", access_key, headers)
    except CreateAccessKeyFailure as error:
        raise _error(call, "token" if error.reason == "InvalidToken" else "key") from error
    for role in sts_backends[ACCOUNT_ID]["aws"].assumed_roles:
        if role.access_key_id == access_key and role.expiration < datetime.now(UTC).replace(tzinfo=None):
            raise _error(call, "expired")
    stored = moto_state.iam().access_keys.get(access_key)
    if stored is not None and stored.status != "Active":
        raise _error(call, "key")
    return key


def _error(call: Call, kind: str) -> AwsError:
    """The error as the call's protocol family reports it."""
    if call.service == "ec2":
        if kind == "expired":
            return AwsError("RequestExpired", "Request has expired.", 400)
        return AwsError("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    family = "s3" if call.service == "s3" else "json" if call.protocol in JSON_PROTOCOLS else "query"
    code, status, text = _ERRORS[family][kind]
    return AwsError(code, text, status)


_BAD_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method."
)
_BAD_TOKEN = "The security token included in the request is invalid."  # noqa: S105 - a message
_EXPIRED = "Signature expired: the request's date is too far from now."
_OLD_TOKEN = "The security token included in the request is expired"  # noqa: S105 - a message
_SCOPE = "Credential should be scoped to a valid region."
_MISSING = "Request is missing Authentication Token"
_ERRORS = {
    "query": {
        "missing": ("MissingAuthenticationToken", 403, _MISSING),
        "key": ("InvalidClientTokenId", 403, _BAD_TOKEN),
        "token": ("InvalidClientTokenId", 403, _BAD_TOKEN),
        "signature": ("SignatureDoesNotMatch", 403, _BAD_SIGNATURE),
        "time": ("SignatureDoesNotMatch", 403, _EXPIRED),
        "region": ("SignatureDoesNotMatch", 403, _SCOPE),
        "expired": ("ExpiredToken", 403, _OLD_TOKEN),
    },
    "json": {
        "missing": ("MissingAuthenticationTokenException", 400, _MISSING),
        "key": ("UnrecognizedClientException", 400, _BAD_TOKEN),
        "token": ("UnrecognizedClientException", 400, _BAD_TOKEN),
        "signature": ("InvalidSignatureException", 400, _BAD_SIGNATURE),
        "time": ("InvalidSignatureException", 400, _EXPIRED),
        "region": ("InvalidSignatureException", 400, _SCOPE),
        "expired": ("ExpiredTokenException", 400, _OLD_TOKEN),
    },
    "s3": {
        "missing": ("AccessDenied", 403, "Access Denied"),
        "key": ("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."),
        "token": ("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
        "signature": ("SignatureDoesNotMatch", 403, _BAD_SIGNATURE),
        "time": (
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.",
        ),
        "region": ("AuthorizationHeaderMalformed", 400, _SCOPE),
        "expired": ("ExpiredToken", 400, "The provided token has expired."),
    },
}
