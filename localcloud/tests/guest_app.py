"""The app on the four hosts: `python3 guest_app.py NAME PORT`. Uses only Python's standard library.

`/` returns the host's name and an ID of this run of the app, `/relay?url=` the response of another URL, `/query?…` the
result of a database query, and `/probe?host=&port=` the result of a connection attempt.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import ssl
import struct
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SECONDS = 15
PROBE_SECONDS = 1
AUTHORITY = "/opt/ca.pem"
RUN = os.urandom(8).hex()


def relay(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return {"status": answer.status, "answer": json.loads(answer.read())}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "answer": None}


def probe(host: str, port: str) -> str:
    try:
        socket.create_connection((host, int(port)), PROBE_SECONDS).close()
    except TimeoutError:
        return "dropped"
    except OSError as error:
        return str(error.strerror)
    return "open"


def query(host: str, user: str, password: str, database: str, sql: str) -> list[str]:
    """The first row, by PostgreSQL's protocol: TLS that verifies the name, SCRAM-SHA-256, one simple query."""
    with socket.create_connection((host, 5432), SECONDS) as plain:
        plain.sendall(struct.pack("!ii", 8, 80877103))
        if plain.recv(1) != b"S":
            raise ConnectionError("the database speaks no TLS")
        with ssl.create_default_context(cafile=AUTHORITY).wrap_socket(plain, server_hostname=host) as connection:
            start = struct.pack("!i", 196608) + f"user\0{user}\0database\0{database}\0\0".encode()
            connection.sendall(struct.pack("!i", len(start) + 4) + start)
            file = connection.makefile("rb")
            log_in(connection, file, password)
            send(connection, b"Q", sql.encode() + b"\0")
            row: list[str] = []
            while (found := receive(file))[0] != b"Z":
                row = row or (columns(found[1]) if found[0] == b"D" else row)
            return row


def log_in(connection: ssl.SSLSocket, file: Any, password: str) -> None:
    nonce = base64.b64encode(os.urandom(18)).decode()
    first = f"n=,r={nonce}"
    hello = f"n,,{first}".encode()
    receive(file)
    send(connection, b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(hello)) + hello)
    challenge = receive(file)[1][4:].decode()
    values = dict(part.split("=", 1) for part in challenge.split(","))
    salt, rounds = base64.b64decode(values["s"]), int(values["i"])
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    key = hmac.digest(salted, b"Client Key", "sha256")
    final = f"c=biws,r={values['r']}"
    signature = hmac.digest(hashlib.sha256(key).digest(), f"{first},{challenge},{final}".encode(), "sha256")
    proof = bytes(byte ^ other for byte, other in zip(key, signature, strict=True))
    send(connection, b"p", f"{final},p={base64.b64encode(proof).decode()}".encode())
    while receive(file)[0] != b"Z":
        pass


def send(connection: ssl.SSLSocket, kind: bytes, content: bytes) -> None:
    connection.sendall(kind + struct.pack("!i", len(content) + 4) + content)


def receive(file: Any) -> tuple[bytes, bytes]:
    """The kind and content of the next message. Raises PermissionError with the database's error message."""
    kind = file.read(1)
    content = file.read(struct.unpack("!i", file.read(4))[0] - 4)
    if kind == b"E":
        raise PermissionError(content.replace(b"\0", b" ").decode())
    return kind, content


def columns(content: bytes) -> list[str]:
    count, found, place = struct.unpack("!h", content[:2])[0], [], 2
    for _ in range(count):
        size = struct.unpack("!i", content[place : place + 4])[0]
        found.append(content[place + 4 : place + 4 + size].decode())
        place += 4 + size
    return found


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        work = {"/relay": relay, "/query": query, "/probe": probe}.get(asked.path, lambda: None)
        try:
            found, status = work(**dict(parse_qsl(asked.query))), 200
        except Exception as error:
            found, status = f"{type(error).__name__}: {error}", 500
        body = json.dumps({"name": sys.argv[1], "run": RUN, "found": found}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[2])), Handler).serve_forever()
