"""The frontend's way to its backend: connections that are kept, time limits that hold, errors with a cause."""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

CONNECT_SECONDS = 1.5
TOTAL_SECONDS = 4.0
# Below the 60 s after which AWS's load balancers close an idle connection.
IDLE_SECONDS = 30.0
MAX_BODY = 1 << 20


class UpstreamError(Exception):
    """The backend gave no usable answer. status: 502 (down, nonsense) or 504 (slow)."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """status, body and content type as the backend sent them; seconds from asking to the last byte."""

    status: int
    body: bytes
    content_type: str
    seconds: float


class _DeadlineReader(io.RawIOBase):
    """Bytes of a socket until a moment on the monotonic clock: a sender that drips cannot stretch it."""

    def __init__(self, stream: _DeadlineStream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._stream.limit()
        return self._stream.socket.recv_into(buffer)


class _DeadlineStream:
    """The part of a socket that http.client uses, under one deadline that each request sets anew."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.deadline = 0.0

    def limit(self) -> None:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self.socket.settimeout(remaining)

    def sendall(self, data: bytes) -> None:
        self.limit()
        self.socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self))

    def close(self) -> None:
        """http.client calls this when it has read the headers of a last answer, whose body is still to be read."""


class _Kept:
    """A connection and when it was last used."""

    def __init__(self, connection: http.client.HTTPConnection, stream: _DeadlineStream) -> None:
        self.connection = connection
        self.stream = stream
        self.since = time.monotonic()

    def usable(self) -> bool:
        """A connection that waited too long, or that has something to read (its end), is of no use."""
        if time.monotonic() - self.since > IDLE_SECONDS:
            return False
        poll = select.poll()
        poll.register(self.stream.socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self.connection.close()
        self.stream.socket.close()


class Upstream:
    """Asks one backend. Threads share it; each request has a connection to itself.

    api: the backend's URL. keep: False opens a connection for each request (the benchmark's comparison).
    """

    def __init__(self, api: SplitResult, *, keep: bool = True) -> None:
        self._host = api.hostname or ""
        self._port = api.port or (443 if api.scheme == "https" else 80)
        self._path = api.path
        self._keep = keep
        self._tls = ssl.create_default_context() if api.scheme == "https" else None
        self._kept: deque[_Kept] = deque()
        self._resolver = ThreadPoolExecutor(max_workers=4, thread_name_prefix="resolver")

    def get(self, path: str, request_id: str, *, seconds: float = TOTAL_SECONDS) -> Answer:
        """GET a path of the backend within so many seconds, whatever the backend does.

        Raises UpstreamError: 502 when it is down or talks nonsense, 504 when it is slow.
        """
        began = time.monotonic()
        deadline = began + seconds
        try:
            answer = self._ask(path, request_id, deadline)
        except (TimeoutError, FutureTimeoutError):
            raise UpstreamError(f"the backend did not answer within {seconds:g} s", 504) from None
        except http.client.HTTPException as error:
            raise UpstreamError(
                f"the backend's answer is not HTTP as it should be ({type(error).__name__})", 502
            ) from error
        except OSError as error:
            raise UpstreamError(f"the backend cannot be reached: {error.strerror or error}", 502) from error
        return Answer(*answer, seconds=time.monotonic() - began)

    def _ask(self, path: str, request_id: str, deadline: float) -> tuple[int, bytes, str]:
        kept = self._take()
        if kept:
            try:
                return self._exchange(kept, path, request_id, deadline)
            except (http.client.RemoteDisconnected, ConnectionError):
                # The backend closed it in the moment in which it was taken; asking again on a new one is safe.
                pass
        return self._exchange(self._connect(deadline), path, request_id, deadline)

    def _exchange(self, kept: _Kept, path: str, request_id: str, deadline: float) -> tuple[int, bytes, str]:
        connection, kept.stream.deadline = kept.connection, deadline
        try:
            headers = {"X-Request-Id": request_id, "Accept": "application/json"}
            if not self._keep:
                headers["Connection"] = "close"
            connection.request("GET", self._path + path, headers=headers)
            response = connection.getresponse()
            body = read_body(response)
        except BaseException:
            kept.close()
            raise
        if response.will_close or not self._keep:
            kept.close()
        else:
            kept.since = time.monotonic()
            self._kept.append(kept)
        return response.status, body, response.getheader("Content-Type", "")

    def _take(self) -> _Kept | None:
        """The connection used last, if any is still good; the others grow old and are closed here."""
        while True:
            try:
                kept = self._kept.pop()
            except IndexError:
                return None
            if kept.usable():
                return kept
            kept.close()

    def _connect(self, deadline: float) -> _Kept:
        """A new connection to the first of the backend's addresses that answers."""
        limit = min(deadline, time.monotonic() + CONNECT_SECONDS)
        # The resolver knows no time limit of its own.
        look_up = self._resolver.submit(socket.getaddrinfo, self._host, self._port, type=socket.SOCK_STREAM)
        failure: OSError = OSError(f"{self._host} has no address")
        for family, kind, protocol, _, address in look_up.result(timeout=max(0, limit - time.monotonic())):
            connected = socket.socket(family, kind, protocol)
            try:
                connected.settimeout(max(0.001, limit - time.monotonic()))
                connected.connect(address)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls:
                    connected = self._tls.wrap_socket(connected, server_hostname=self._host)
            except OSError as error:
                failure = error
                connected.close()
                continue
            stream = _DeadlineStream(connected)
            connection = http.client.HTTPConnection(self._host, self._port)
            connection.sock = stream  # type: ignore[assignment]
            # A closed connection stays closed: http.client would open one of its own, without the limits.
            connection.auto_open = 0
            return _Kept(connection, stream)
        raise failure


def read_body(response: http.client.HTTPResponse) -> bytes:
    """All of the body. Raises HTTPException when it is too long or ends early."""
    body = response.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise http.client.HTTPException(f"more than {MAX_BODY} bytes")
    # read(n) does not mind a body that ends early.
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    return body
