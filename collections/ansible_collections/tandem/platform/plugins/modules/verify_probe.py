#!/usr/bin/python
"""Real connections from this host and from inside each of its containers, all at once. Reads only."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_probe
short_description: Probe destinations from a host and from inside its containers
description:
  - Opens a TCP connection (or asks the instance metadata service for a token) from the host and, entering their
    network namespaces, from every running container. All probes run at once, so a run lasts one timeout.
  - Asks URLs over HTTP, a new connection for each request.
  - In place of M(ansible.builtin.wait_for) and M(ansible.builtin.uri), which probe one destination a task, and never from
    inside a container. These are 182 probes with a timeout of seconds each, one after another.
  - Changes nothing.
options:
  probes:
    description: Where to connect to.
    type: list
    elements: dict
    default: []
    suboptions:
      to: {description: Name of the destination in the result., type: str, required: true}
      host: {description: Address or DNS name; each address that the name has is probed., type: str, required: true}
      port: {description: TCP port., type: int, required: true}
      kind:
        description: C(tcp) opens a connection, C(metadata) asks for a token of the instance metadata service.
        type: str
        choices: [tcp, metadata]
        default: tcp
  asks:
    description: What to ask over HTTP.
    type: list
    elements: dict
    default: []
    suboptions:
      id: {description: Name of the question in the result., type: str, required: true}
      url: {description: URL., type: str, required: true}
      times: {description: How many requests., type: int, default: 1}
  inside_containers:
    description: Probe from inside every running container as well (needs root).
    type: bool
    default: false
  source_addresses:
    description: >-
      Where the probes come from - a name for the source, and the local address to bind (empty, the system's choice).
    type: dict
    default: {host: ""}
  send_to_private:
    description: >-
      Whether to send packets to private addresses. Off on a machine outside the VPC, where such an address would
      belong to somebody else.
    type: bool
    default: true
  timeout:
    description: Seconds after which no answer is the answer.
    type: float
    default: 2.5
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Probe the database
  tandem.platform.verify_probe:
    probes: [{to: database, host: db.example.com, port: 5432}]
    inside_containers: true
"""

RETURN = r"""
probed:
  description: One item for each source and probe.
  returned: always
  type: list
  elements: dict
  sample: [{from: host, container: null, to: database, port: 5432, answer: open, addresses: {10.0.0.9: open}, ms: 0.4}]
asked:
  description: One item for each question.
  returned: always
  type: list
  elements: dict
  sample: [{id: version, url: http://10.0.0.4:5000/version, replies: [{status: 200, json: {name: backend-1}, ms: 3.1}]}]
at:
  description: When it was looked, ISO 8601 in UTC.
  returned: always
  type: str
"""

import datetime
import errno
import http.client
import ipaddress
import json
import os
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tandem.platform.plugins.module_utils.programs import run

Futures = dict[str, Any]  # of connect(), by address; nothing where no packet is sent
Started = tuple[dict[str, Any], dict[str, Any], Futures]  # a source, what it probes, and the answers to come

TOKEN_REQUEST = b"PUT /latest/api/token HTTP/1.0\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n"
PRIVATE = [
    ipaddress.ip_network(cidr)
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16")
]
ANSWERS = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EACCES: "prohibited",
    errno.EPERM: "prohibited",
    errno.ETIMEDOUT: "timeout",
}


def enter(network_namespace: str | None) -> None:
    """Move the calling thread, and no other, into a network namespace."""
    if network_namespace:
        with open(network_namespace) as namespace:
            os.setns(namespace.fileno(), os.CLONE_NEWNET)


def connect(address: str, port: int, kind: str, source_address: str, timeout: float) -> tuple[str, float]:
    """One probe: (answer, milliseconds). answer: open, refused, timeout, unreachable, prohibited or reset."""
    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.bind((source_address, 0))
            connection.connect((address, port))
            answer = "open" if kind == "tcp" else _token(connection)
        except TimeoutError:
            answer = "timeout"
        except ConnectionResetError:
            answer = "reset"
        except OSError as error:
            answer = ANSWERS.get(error.errno or 0, error.strerror or str(error))
    return answer, round((time.monotonic() - began) * 1000, 1)


def _token(connection: socket.socket) -> str:
    """open, where the metadata service hands out a token."""
    connection.sendall(TOKEN_REQUEST)
    return "open" if b" 200 " in connection.recv(64) else "refused"


def resolve(host: str) -> list[str]:
    """IPv4 addresses of a name, sorted; none where the name is unknown."""
    try:
        return sorted({str(info[4][0]) for info in socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)})
    except OSError:
        return []


def is_private(address: str) -> bool:
    return any(ipaddress.ip_address(address) in network for network in PRIVATE)


def running_containers() -> list[tuple[str, str]]:
    """(name, path of the network namespace) of each running container of this host's Docker."""
    ids = run(["docker", "ps", "--quiet"], check=True).stdout.split()
    if not ids:
        return []
    inspect = run(["docker", "inspect", *ids], check=True).stdout
    return [(found["Name"].lstrip("/"), f"/proc/{found['State']['Pid']}/ns/net") for found in json.loads(inspect)]


def summary(answers: dict[str, str]) -> str:
    """One word for the answers of all addresses of a destination: open as soon as one of them is."""
    kinds = set(answers.values())
    for word in ("open", "refused", "reset"):
        if word in kinds:
            return word
    return sorted(kinds)[0] if kinds else "no address"


def start_from(
    source: dict[str, Any],
    probes: list[dict[str, Any]],
    addresses: dict[str, list[str]],
    pools: ExitStack,
    timeout: float,
    send_to_private: bool,
) -> list[Started]:
    """Start all probes of one source; gives (source, probe, {address: future, or None where nothing is sent})."""
    # A thread stays in the namespace that it entered, so each source has threads of its own, one for each connection.
    size = sum(len(addresses[probe["host"]]) for probe in probes) or 1
    pool = pools.enter_context(ThreadPoolExecutor(size, initializer=enter, initargs=(source["namespace"],)))
    started = []
    for probe in probes:
        futures: Futures = {}
        for address in addresses[probe["host"]]:
            send = send_to_private or not is_private(address)
            where = (address, probe["port"], probe["kind"], source["address"], timeout)
            futures[address] = pool.submit(connect, *where) if send else None
        started.append((source, probe, futures))
    return started


def gather(source: dict[str, Any], probe: dict[str, Any], futures: Futures) -> dict[str, Any]:
    """The result of one probe from one source."""
    results = {address: future.result() if future else ("private", 0.0) for address, future in futures.items()}
    answers = {address: answer for address, (answer, _ms) in results.items()}
    return {
        "from": source["name"],
        "container": source["container"],
        "to": probe["to"],
        "host": probe["host"],
        "port": probe["port"],
        "answer": summary(answers),
        "addresses": answers,
        "ms": max([ms for _answer, ms in results.values()], default=0.0),
    }


def ask(url: str, timeout: float) -> dict[str, Any]:
    """One GET on a new connection: status (0: none), JSON or the first 300 characters of the body, milliseconds."""
    began = time.monotonic()
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("GET", parts.path or "/")
        reply = connection.getresponse()
        status, body = reply.status, reply.read(65536)
    except (OSError, http.client.HTTPException) as error:
        status, body = 0, (str(error) or type(error).__name__).encode()
    finally:
        connection.close()
    content: dict[str, Any] = {"status": status, "ms": round((time.monotonic() - began) * 1000, 1)}
    try:
        content["json"] = json.loads(body)
    except ValueError:
        content["text"] = body[:300].decode(errors="replace").strip()
    return content


def main() -> None:
    probe_spec = {
        "to": {"type": "str", "required": True},
        "host": {"type": "str", "required": True},
        "port": {"type": "int", "required": True},
        "kind": {"type": "str", "choices": ["tcp", "metadata"], "default": "tcp"},
    }
    ask_spec = {
        "id": {"type": "str", "required": True},
        "url": {"type": "str", "required": True},
        "times": {"type": "int", "default": 1},
    }
    module = AnsibleModule(
        argument_spec={
            "probes": {"type": "list", "elements": "dict", "default": [], "options": probe_spec},
            "asks": {"type": "list", "elements": "dict", "default": [], "options": ask_spec},
            "inside_containers": {"type": "bool", "default": False},
            "source_addresses": {"type": "dict", "default": {"host": ""}},
            "send_to_private": {"type": "bool", "default": True},
            "timeout": {"type": "float", "default": 2.5},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    sources = [
        {"name": name, "container": None, "address": address, "namespace": None}
        for name, address in wanted["source_addresses"].items()
    ]
    if wanted["inside_containers"]:
        try:
            found = running_containers()
        except (OSError, subprocess.CalledProcessError) as error:
            module.fail_json(msg=f"Docker does not answer: {getattr(error, 'stderr', None) or error}")
        sources += [{"name": "container", "container": n, "address": "", "namespace": path} for n, path in found]

    probes, questions = wanted["probes"], wanted["asks"]
    with ExitStack() as pools:
        pool = pools.enter_context(ThreadPoolExecutor(8))
        hosts = sorted({probe["host"] for probe in probes})
        addresses = dict(zip(hosts, pool.map(resolve, hosts), strict=True))
        asked = [
            (q, [pool.submit(ask, q["url"], 2 * wanted["timeout"]) for _dummy in range(q["times"])]) for q in questions
        ]
        started = []
        for source in sources:
            started += start_from(source, probes, addresses, pools, wanted["timeout"], wanted["send_to_private"])
        module.exit_json(
            changed=False,
            at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            probed=[gather(*probe) for probe in started],
            asked=[{"id": q["id"], "url": q["url"], "replies": [r.result() for r in replies]} for q, replies in asked],
        )


if __name__ == "__main__":
    main()
