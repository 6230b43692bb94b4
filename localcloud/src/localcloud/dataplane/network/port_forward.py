"""Forwards a port of the machine's loopback to the first internet-facing load balancer."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from contextlib import suppress

from localcloud.contract.topology import Topology
from localcloud.machine import namespaces
from localcloud.settings import Settings

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
READ_SECONDS = 1.0
CLOSE_SECONDS = 5.0
CHUNK = 65536
NO_LOAD_BALANCER = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    b"The local cloud has no internet-facing load balancer that answers.\n"
)


class PortForwardError(RuntimeError):
    """The port is not available; the message says how to choose another."""


class PortForward:
    """Forwards TCP. The load balancer sees the internet's visitor address as the client."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._targets: list[tuple[str, int]] = []
        self._loop = asyncio.new_event_loop()
        try:
            starting = asyncio.start_server(self._serve, "127.0.0.1", settings.http_port)
            self._server = self._loop.run_until_complete(starting)
        except OSError as error:
            self._loop.close()
            raise PortForwardError(
                f"cannot listen on port {settings.http_port} ({os.strerror(error.errno or 0)}). "
                "Choose another, for example: localcloud up --port 8081"
            ) from error
        self._thread = threading.Thread(target=self._loop.run_forever, name="port forward", daemon=True)
        self._thread.start()

    def reconcile(self, topology: Topology) -> None:
        """Forward to the public addresses of the first internet-facing load balancer, at its lowest port."""
        interfaces = {interface.id: interface for vpc in topology.vpcs for interface in vpc.interfaces}
        for balancer in topology.load_balancers:
            if balancer.internet_facing and balancer.listeners:
                port = min(listener.port for listener in balancer.listeners)
                nodes = [
                    interfaces[interface_id] for interface_id in balancer.interface_ids if interface_id in interfaces
                ]
                self._targets = [(node.public_address, port) for node in nodes if node.public_address]
                return
        self._targets = []

    def close(self) -> None:
        """Release the port and close all connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            inner = await self._connect()
            if inner is None:
                # Drain the request first, or close() resets the connection.
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(CHUNK), READ_SECONDS)
                writer.write(NO_LOAD_BALANCER)
                await writer.drain()
                return
            writers.append(inner[1])
            await asyncio.gather(_copy(reader, inner[1]), _copy(inner[0], writer))
        except OSError as error:
            log.debug("port forward: %s", error)
        finally:
            for each in writers:
                each.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Connect to the first node that accepts; None if none does."""
        for address, port in self._targets:
            made = namespaces.make_socket(self._settings.internet_namespace)
            made.setblocking(False)
            made.bind((str(self._settings.visitor_address), 0))
            try:
                await asyncio.wait_for(self._loop.sock_connect(made, (address, port)), CONNECT_SECONDS)
            except OSError:
                made.close()
            else:
                return await asyncio.open_connection(sock=made)
        return None


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy a stream to the other side, including its end."""
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
        return
    writer.close()
