"""The instance metadata service (IMDSv2) at 169.254.169.254 of each VPC."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from localcloud.contract.reality import Reality
from localcloud.contract.topology import Topology
from localcloud.machine import namespaces
from localcloud.settings import Settings

from .metadata_paths import Guest, listing, paths
from .vpc import METADATA_ADDRESS

log = logging.getLogger(__name__)

PORT = 80
LONGEST_TOKEN_SECONDS = 21600
USUAL_TTL = 64
HEADER = "X-aws-ec2-metadata-token"
TTL_HEADER = f"{HEADER}-ttl-seconds"
IDLE_SECONDS = 20


class Metadata:
    """A server per VPC. It identifies hosts by source address, which they cannot spoof (see firewall)."""

    def __init__(self, settings: Settings, reality: Reality) -> None:
        self._settings = settings
        self._reality = reality
        self._services: dict[str, _Service] = {}

    def reconcile(self, topology: Topology) -> None:
        """Run a service in each VPC that is up, and update its hosts."""
        vpcs = {vpc.id: vpc for vpc in topology.vpcs if self._reality.ready(vpc.id)}
        for vpc_id in self._services.keys() - vpcs.keys():
            self._services.pop(vpc_id).close()
        for vpc_id, vpc in vpcs.items():
            if vpc_id not in self._services:
                self._services[vpc_id] = _Service(self._settings.vpc_namespace(vpc_id))
            interfaces = {interface.id: interface for interface in vpc.interfaces}
            guests = {}
            for instance in topology.instances:
                if interface := interfaces.get(instance.interface_id):
                    mac = interface.mac or namespaces.make_mac(interface.id)
                    guests[interface.address] = Guest(instance, replace(interface, mac=mac), vpc)
            self._services[vpc_id].guests = guests

    def close(self) -> None:
        for service in self._services.values():
            service.close()
        self._services.clear()


class _Service(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, namespace: str) -> None:
        super().__init__((METADATA_ADDRESS, PORT), _Request, bind_and_activate=False)
        self.socket.close()
        self.socket = namespaces.listen(namespace, METADATA_ADDRESS, PORT)
        self.guests: dict[str, Guest] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        threading.Thread(target=self.serve_forever, args=(0.1,), name=f"metadata {namespace}", daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("metadata request from %s failed", client_address)

    def make_token(self, instance_id: str, seconds: int) -> str:
        now = time.monotonic()
        self._tokens = {token: held for token, held in self._tokens.items() if held[1] > now}
        token = secrets.token_urlsafe(42)
        self._tokens[token] = (instance_id, now + seconds)
        return token

    def seconds_left(self, token: str, instance_id: str) -> int | None:
        """How long the token is valid for this host, or None if it is not."""
        holder, end = self._tokens.get(token, ("", 0.0))
        left = end - time.monotonic()
        return int(left) if holder == instance_id and left > 0 else None


class _Request(BaseHTTPRequestHandler):
    server: _Service
    protocol_version = "HTTP/1.1"
    server_version = "EC2ws"
    sys_version = ""
    timeout = IDLE_SECONDS

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        guest = self._guest()
        if guest is None:
            return
        asked = self.headers.get(TTL_HEADER, "")
        if self.path.rstrip("/") != "/latest/api/token":
            self._answer(405)
        elif self.headers.get("X-Forwarded-For"):
            self._answer(403)
        elif not asked.isdigit() or not 1 <= int(asked) <= LONGEST_TOKEN_SECONDS:
            self._answer(400)
        else:
            # The TTL keeps the token from clients beyond the hop limit, such as containers on the host.
            self._set_ttl(guest.instance.metadata.hop_limit)
            token = self.server.make_token(guest.instance.id, int(asked))
            self._answer(200, token, {TTL_HEADER: asked})

    def do_GET(self) -> None:
        self._set_ttl(USUAL_TTL)
        guest = self._guest()
        if guest is None:
            return
        token = self.headers.get(HEADER)
        left = self.server.seconds_left(token, guest.instance.id) if token else None
        if (token and left is None) or (not token and guest.instance.metadata.tokens == "required"):
            self._answer(401)
            return
        text = self._find(guest)
        self._answer(404 if text is None else 200, text or "", {TTL_HEADER: str(left)} if left is not None else {})

    def do_HEAD(self) -> None:
        self.do_GET()

    def _find(self, guest: Guest) -> str | None:
        parts = [part for part in self.path.split("?")[0].split("/") if part]
        if not parts:
            return "latest"
        if parts[0] != "latest":
            return None
        path, found = "/".join(parts[1:]), paths(guest)
        return found[path] if path in found else listing(found, path, guest.instance.key_name)

    def _guest(self) -> Guest | None:
        """The requesting host. If it may not ask, send the refusal and return None."""
        guest = self.server.guests.get(self.client_address[0])
        if guest is None:
            self._answer(404)
        elif not guest.instance.metadata.enabled:
            self._answer(403)
        else:
            return guest
        return None

    def _set_ttl(self, hops: int) -> None:
        self.connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)

    def _answer(self, status: int, text: str = "", headers: dict[str, str] | None = None) -> None:
        body = text.encode(errors="surrogateescape")
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)
