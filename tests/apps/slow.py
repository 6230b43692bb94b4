"""Clients that are slow on purpose: a bounded number of them, against the loopback only."""

from __future__ import annotations

import resource
import selectors
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

CONNECT_SECONDS = 2.0
# One that comes back at once is no slow client but a busy one.
REOPENED = 20


@dataclass(frozen=True)
class Kind:
    """What each client sends first, what it sends once a second from then on, and whether it reads at all."""

    first: bytes
    then: bytes = b""
    reads: bool = True


class SlowClients:
    """So many connections at once until `close`; those that the server closes are opened anew, some a second."""

    def __init__(self, port: int, kind: Kind, number: int) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))
        self._port, self._kind, self._number = port, kind, number
        self._open: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._over = threading.Event()
        self.began = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> SlowClients:
        self._thread.start()
        assert self.began.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for connection in self._open:
            connection.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._over.is_set():
            most = REOPENED if self.began.is_set() else self._number
            for _ in range(min(most, self._number - len(self._open))):
                if not self._connect():
                    break
            self.began.set()
            # What the server has closed is seen by reading, so those that never read stay.
            until = time.monotonic() + 1
            while (left := until - time.monotonic()) > 0 and not self._over.is_set():
                for key, _ in self._selector.select(min(left, 0.2)):
                    self._read(key.fileobj)  # type: ignore[arg-type]
            for connection in list(self._open):
                self._send(connection, self._kind.then)

    def _connect(self) -> bool:
        connection = socket.socket()
        connection.settimeout(CONNECT_SECONDS)
        if not self._kind.reads:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            connection.connect(("127.0.0.1", self._port))
        except OSError:
            connection.close()
            return False
        connection.setblocking(False)
        self._open.add(connection)
        if self._kind.reads:
            self._selector.register(connection, selectors.EVENT_READ)
        self._send(connection, self._kind.first)
        return True

    def _send(self, connection: socket.socket, data: bytes) -> None:
        try:
            connection.send(data)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(connection)

    def _read(self, connection: socket.socket) -> None:
        try:
            if connection.recv(65536):
                return
        except OSError:
            pass
        self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        self._open.discard(connection)
        with suppress(KeyError):
            self._selector.unregister(connection)
        connection.close()
