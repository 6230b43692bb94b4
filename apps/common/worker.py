"""gunicorn's gevent worker, with the application in threads.

gevent reads and writes: a connection costs a greenlet, some KB, and a client that is slow at any point keeps nobody
waiting. The application runs in a pool of ordinary threads, with the whole request read before and the whole answer
written after, so nothing is monkey-patched and whatever blocks (libpq, getaddrinfo) blocks one thread.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import gevent
from flask import Flask
from gevent import socket
from gevent.pool import Pool
from gevent.server import StreamServer
from gevent.threadpool import ThreadPool
from gunicorn import http, util
from gunicorn.workers.ggevent import GeventWorker

from common.logs import lines
from common.service import new_request_id, to_json

# From the first byte of a request to the end of its headers, and for the first byte of a new connection.
HEADER_SECONDS = 10.0
# For a client to take an answer.
SEND_SECONDS = 10.0
SEND_BUFFER = 128 * 1024
# A worker that ends keeps idle connections so long: the next request may be on its way.
LINGER_SECONDS = 2.0


def write_error(connection: socket.socket, status: int, reason: str, message: str) -> None:
    """What gunicorn itself refuses, answered and logged like all other errors (it has no setting for that)."""
    request_id = new_request_id()
    message = message.strip()[:200] or reason
    lines.write({"time": time.time(), "level": "info", "request_id": request_id, "status": status, "message": message})
    body = to_json({"error": message, "request_id": request_id}) + "\n"
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Request-Id: {request_id}\r\nCache-Control: no-store\r\n\r\n"
    )
    connection.sendall((head + body).encode("ascii"))


util.write_error = write_error


def answer(application: Flask, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The application's whole answer; runs in a thread."""
    parts = application(environ, start_response)
    try:
        return [b"".join(parts)]
    finally:
        if close := getattr(parts, "close", None):
            close()


class Worker(GeventWorker):
    """One greenlet a connection, `threads` threads for the application."""

    sockets: list[Any]
    wsgi: Any

    def patch(self) -> None:
        """Only the listening sockets are gevent's: the superclass would patch the standard library."""
        self.sockets = [
            socket.socket(listener.FAMILY, socket.SOCK_STREAM, fileno=listener.sock.detach())
            for listener in self.sockets
        ]
        for listener in self.sockets:
            # Each connection inherits it: answers that nobody reads would otherwise take up to 4 MB of memory each.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self._threads = ThreadPool(self.cfg.threads)
        application = self.wsgi
        self.wsgi = lambda environ, start_response: self._threads.apply(answer, (application, environ, start_response))

    def run(self) -> None:
        self._connections = Pool(self.worker_connections)
        self._idle: set[gevent.Greenlet] = set()
        servers = [
            StreamServer(listener, handle=partial(self.handle, listener), spawn=self._connections)
            for listener in self.sockets
        ]
        for server in servers:
            server.max_accept = 1
            server.start()
        while self.alive:
            self.notify()
            gevent.sleep(0.2)
        self._end(servers)

    def _end(self, servers: list[StreamServer]) -> None:
        """Answer all that has come, also what still waits in the listen queue; then close."""
        began = time.monotonic()
        while time.monotonic() - began < LINGER_SECONDS and select.select(self.sockets, [], [], 0)[0]:
            gevent.sleep(0.01)
        for server in servers:
            server.close()
        self._connections.join(LINGER_SECONDS)
        gevent.killall(list(self._idle))
        self._connections.join(max(0.0, self.cfg.graceful_timeout - 1 - (time.monotonic() - began)))

    def handle(self, listener: socket.socket, client: socket.socket, addr: Any) -> None:
        """Serve one connection until either side has had enough of it."""
        request = None
        client.settimeout(SEND_SECONDS)
        parser = http.get_parser(self.cfg, client, addr)
        try:
            while self._is_coming(client, parser):
                with gevent.Timeout(HEADER_SECONDS):
                    request = next(parser)
                if has_body(request):
                    # It will not be read, so where the next request begins is unknown.
                    request.force_close()
                self.handle_request(listener.getsockname(), request, client, addr)
        except gevent.Timeout:
            write_error(client, 408, "Request Timeout", f"the headers did not end within {HEADER_SECONDS:g} s")
        except (http.errors.NoMoreData, StopIteration, OSError) as error:
            self.log.debug("connection ended: %r", error)
        except Exception as error:
            self.handle_error(request, client, addr, error)
        finally:
            # Closed at once, what the client still sends would make the kernel take back the answer.
            util.close_graceful(client)

    def _is_coming(self, client: socket.socket, parser: Any) -> bool:
        """Wait for the first byte of the next request."""
        if parser.unreader.buf.getvalue():
            return True
        # As long as a load balancer keeps it; not when half of all connections are taken.
        is_kept = parser.req_count and self._connections.free_count() > self.worker_connections / 2
        client.settimeout(self.cfg.keepalive if is_kept else HEADER_SECONDS)
        self._idle.add(gevent.getcurrent())
        try:
            return bool(client.recv(1, socket.MSG_PEEK))
        finally:
            self._idle.discard(gevent.getcurrent())
            client.settimeout(SEND_SECONDS)


def has_body(request: Any) -> bool:
    return any(
        name == "TRANSFER-ENCODING" or (name == "CONTENT-LENGTH" and value.strip("0"))
        for name, value in request.headers
    )
