"""The frontend's way to its backend: connections that are kept, time limits that hold, errors with a cause."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast
from urllib.parse import SplitResult

import h11

CONNECT_SECONDS = 1.5
TOTAL_SECONDS = 4.0
# Below the 60 s after which AWS's load balancers close an idle connection.
IDLE_SECONDS = 30.0
MAX_BODY = 1 << 20
MAX_HEADERS = 1 << 16
# Look-ups at once, and how long one may take before another begins beside it.
LOOK_UPS = 4
LOOK_UP_SECONDS = 1.0


class UpstreamError(Exception):
    """The backend gave no usable answer. status: 502 (down, nonsense) or 504 (slow)."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ConnectionEndedError(Exception):
    """The backend closed the connection before it answered."""


@dataclass(frozen=True)
class Answer:
    """status and body as the backend sent them; seconds from asking to the last byte."""

    status: int
    body: bytes
    seconds: float


class _Connection:
    """A socket and where HTTP stands on it. Each request has one deadline, which a sender that drips cannot stretch."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADERS)
        self._since = time.monotonic()
        self._begun = False

    def ask(self, target: str, headers: dict[str, str], deadline: float) -> tuple[int, bytes]:
        """Status and body. Raises ConnectionEndedError, h11.RemoteProtocolError, OSError."""
        request = h11.Request(method="GET", target=target, headers=list(headers.items()))
        self._limit(deadline)
        self._socket.sendall((self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b""))
        self._begun = False
        while isinstance(response := self._next(deadline), h11.InformationalResponse):
            pass
        body = bytearray()
        while isinstance(event := self._next(deadline), h11.Data):
            body += event.data
            if len(body) > MAX_BODY:
                raise h11.RemoteProtocolError(f"more than {MAX_BODY} bytes")
        self._since = time.monotonic()
        return cast(h11.Response, response).status_code, bytes(body)

    def _next(self, deadline: float) -> h11.Event:
        while not isinstance(event := self._http.next_event(), h11.Event):
            self._limit(deadline)
            data = self._socket.recv(65536)
            if not data and not self._begun:
                raise ConnectionEndedError
            self._begun = True
            self._http.receive_data(data)
        return event

    def _limit(self, deadline: float) -> None:
        if (remaining := deadline - time.monotonic()) <= 0:
            raise TimeoutError
        self._socket.settimeout(remaining)

    def renew(self) -> bool:
        """Make ready for another request; False when the backend ends it, or has said more than was asked."""
        if self._http.trailing_data != (b"", False) or self._http.states != {
            h11.CLIENT: h11.DONE,
            h11.SERVER: h11.DONE,
        }:
            return False
        self._http.start_next_cycle()
        return True

    def usable(self) -> bool:
        """A connection that waited too long, or that has something to read (its end, or nonsense), is of no use."""
        if time.monotonic() - self._since > IDLE_SECONDS:
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self._socket.close()


class Upstream:
    """Asks one backend. Threads share it; each request has a connection to itself.

    api: the backend's URL. keep: False opens a connection for each request (the benchmark's comparison).
    """

    def __init__(self, api: SplitResult, *, keep: bool = True) -> None:
        self._host = api.hostname or ""
        self._port = api.port or (443 if api.scheme == "https" else 80)
        self._path = api.path
        self._headers = {"Host": api.netloc, "Accept": "application/json"}
        if not keep:
            self._headers["Connection"] = "close"
        self._tls = ssl.create_default_context() if api.scheme == "https" else None
        self._kept: deque[_Connection] = deque()
        self._resolver = ThreadPoolExecutor(max_workers=LOOK_UPS, thread_name_prefix="resolver")
        self._look_ups: list[tuple[float, Future]] = []
        self._lock = threading.Lock()

    def get(self, path: str, request_id: str, *, seconds: float = TOTAL_SECONDS) -> Answer:
        """GET a path of the backend within so many seconds, whatever the backend does.

        Raises UpstreamError: 502 when it is down or talks nonsense, 504 when it is slow.
        """
        began = time.monotonic()
        deadline = began + seconds
        try:
            answer = self._ask(path, request_id, deadline)
        except TimeoutError:
            raise UpstreamError(f"the backend did not answer within {seconds:g} s", 504) from None
        except ConnectionEndedError:
            raise UpstreamError("the backend closed the connection without an answer", 502) from None
        except h11.RemoteProtocolError as error:
            raise UpstreamError(f"the backend's answer is not HTTP as it should be ({error})", 502) from error
        except OSError as error:
            raise UpstreamError(f"the backend cannot be reached: {error.strerror or error}", 502) from error
        return Answer(*answer, seconds=time.monotonic() - began)

    def _ask(self, path: str, request_id: str, deadline: float) -> tuple[int, bytes]:
        kept = self._take()
        if kept:
            try:
                return self._exchange(kept, path, request_id, deadline)
            except (ConnectionEndedError, ConnectionError):
                # The backend closed it in the moment in which it was taken; asking again on a new one is safe.
                pass
        return self._exchange(self._connect(deadline), path, request_id, deadline)

    def _exchange(self, connection: _Connection, path: str, request_id: str, deadline: float) -> tuple[int, bytes]:
        try:
            answer = connection.ask(self._path + path, {**self._headers, "X-Request-Id": request_id}, deadline)
            again = connection.renew()
        except BaseException:
            connection.close()
            raise
        if again:
            self._kept.append(connection)
        else:
            connection.close()
        return answer

    def _take(self) -> _Connection | None:
        """The connection used last, if any is still good; the others grow old and are closed here."""
        while True:
            try:
                kept = self._kept.pop()
            except IndexError:
                return None
            if kept.usable():
                return kept
            kept.close()

    def _look_up(self) -> Future:
        """The addresses, or will be: getaddrinfo knows no time limit, so all who ask at once share one look-up.

        One that takes long is joined by another: the name server may be back, and the first not have asked again yet.
        """
        with self._lock:
            now = time.monotonic()
            self._look_ups = [(since, look_up) for since, look_up in self._look_ups if not look_up.done()]
            is_late = self._look_ups and now - self._look_ups[-1][0] > LOOK_UP_SECONDS
            if not self._look_ups or (is_late and len(self._look_ups) < LOOK_UPS):
                look_up = self._resolver.submit(socket.getaddrinfo, self._host, self._port, type=socket.SOCK_STREAM)
                self._look_ups.append((now, look_up))
            return self._look_ups[-1][1]

    def _connect(self, deadline: float) -> _Connection:
        """A new connection to the first of the backend's addresses that answers."""
        limit = min(deadline, time.monotonic() + CONNECT_SECONDS)
        addresses = self._look_up().result(timeout=max(0, limit - time.monotonic()))
        failure: OSError = OSError(f"{self._host} has no address")
        for family, kind, protocol, _, address in addresses:
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
            return _Connection(connected)
        raise failure
