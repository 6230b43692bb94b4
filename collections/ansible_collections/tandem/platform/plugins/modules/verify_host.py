#!/usr/bin/python
"""What runs on a Docker host: its containers as the kernel sees them, its open ports, secrets that show. Reads only."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_host
short_description: Describe the containers, listening ports and exposed secrets of a Docker host
description:
  - Reads what the kernel says of each container's main process (user, capabilities, read-only root), not only what
    Docker was asked for.
  - Looks for the values of secrets in process arguments, C(docker inspect) (the container's own environment aside),
    images, container logs and files that others can read. The values themselves are never returned.
  - Changes nothing. Needs root.
  - In place of M(community.docker.docker_container_info), which repeats what Docker was asked for.
options:
  secret_variables:
    description: Environment variables of containers whose values, or the passwords in them, are secrets.
    type: list
    elements: str
    default: [DBCONNECTIONSTRING]
  secret_folders:
    description: Folders whose files hold secrets, so that nobody but their owner may read those.
    type: list
    elements: str
    default: []
  log_lines:
    description: How many of the last log lines of each container to search for secrets.
    type: int
    default: 2000
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look at the host
  tandem.platform.verify_host:
  become: true
"""

RETURN = r"""
containers:
  description: All containers, also stopped ones.
  returned: always
  type: list
  elements: dict
  sample:
    - name: frontend
      running: true
      image: "sha256:0123"
      image_name: "tandem/frontend:0123"
      uid: 10001
      capabilities: []
      no_new_privileges: true
      read_only: true
      privileged: false
      network: bridge
      ports: ["0.0.0.0:5000->5000/tcp"]
      docker_socket: false
      memory_limit: 268435456
      variables: {NAME: frontend-1, VERSION: 0.0.1}
listening:
  description: Sockets that wait for connections or datagrams.
  returned: always
  type: list
  elements: dict
  sample: [{protocol: tcp, address: 0.0.0.0, port: 22, process: sshd}]
exposed_secrets:
  description: Where a secret can be read by those who should not, without the secret.
  returned: always
  type: list
  elements: str
  sample: ["docker logs backend: DBCONNECTIONSTRING"]
at:
  description: When it was looked, ISO 8601 in UTC.
  returned: always
  type: str
"""

import datetime
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tandem.platform.plugins.module_utils import programs

PLAIN_VARIABLES = ("NAME", "VERSION", "API")


def run(*command: str) -> str:
    """The output of a program that must succeed; of `docker logs` all that a container said."""
    return programs.run(command, check=True, together=command[1] == "logs").stdout


def container_details() -> list[dict[str, Any]]:
    """`docker inspect` of all containers."""
    ids = run("docker", "ps", "--all", "--quiet").split()
    return json.loads(run("docker", "inspect", *ids)) if ids else []


def variables(details: dict[str, Any]) -> dict[str, str]:
    """The environment that a container was configured with."""
    return dict(item.split("=", 1) for item in details["Config"].get("Env") or [] if "=" in item)


def kernel_view(pid: int) -> dict[str, Any]:
    """User, capabilities, privileges and root file system of a process. Nothing where it is gone."""
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        mounts = [line.split() for line in Path(f"/proc/{pid}/mounts").read_text().splitlines()]
    except OSError:
        return {}
    root = next((mount[3].split(",") for mount in mounts if mount[1] == "/"), [])
    return {
        "uid": int(status["Uid"].split()[1]),
        # Effective and bounding: what the process has, and the most that it could ever get.
        "capabilities": capability_bits(status["CapEff"]) + capability_bits(status["CapBnd"]),
        "no_new_privileges": status.get("NoNewPrivs", "0").strip() == "1",
        "read_only": "ro" in root,
    }


def capability_bits(mask: str) -> list[int]:
    """The numbers of the capabilities in a mask of /proc/PID/status."""
    value = int(mask, 16)
    return [bit for bit in range(64) if value >> bit & 1]


def describe(details: dict[str, Any]) -> dict[str, Any]:
    """What matters of a container."""
    host, config = details["HostConfig"], details["Config"]
    known = {key: value for key, value in variables(details).items() if key in PLAIN_VARIABLES}
    found = {
        "name": details["Name"].lstrip("/"),
        "running": details["State"]["Running"],
        "state": details["State"]["Status"],
        "image": details["Image"],
        "image_name": config["Image"],
        "privileged": host["Privileged"],
        "network": host["NetworkMode"],
        "pid_mode": host["PidMode"],
        "ports": published(details),
        "docker_socket": any("docker.sock" in mount.get("Source", "") for mount in details["Mounts"]),
        "memory_limit": host["Memory"],
        "variables": known,
    }
    if details["State"]["Running"]:
        found.update(kernel_view(details["State"]["Pid"]))
        found["capabilities"] = sorted(set(found.get("capabilities", [])))
    return found


def published(details: dict[str, Any]) -> list[str]:
    """Ports that Docker publishes, as `docker ps` writes them."""
    return sorted(
        f"{binding['HostIp'] or '0.0.0.0'}:{binding['HostPort']}->{port}"  # noqa: S104
        for port, bindings in (details["NetworkSettings"]["Ports"] or {}).items()
        for binding in bindings or []
        if ":" not in binding["HostIp"]
    )


def listening() -> list[dict[str, Any]]:
    """Sockets that wait for somebody, by `ss`."""
    found = []
    for line in run("ss", "--no-header", "--listening", "--tcp", "--udp", "--numeric", "--processes").splitlines():
        protocol, _state, _received, _sent, local, _peer, *users = line.split()
        address, port = local.rsplit(":", 1)
        process = re.search(r'"([^"]+)"', users[0]) if users else None
        found.append(
            {
                "protocol": protocol,
                "address": address.split("%")[0].strip("[]"),
                "port": int(port),
                "process": process.group(1) if process else "",
            }
        )
    return sorted(found, key=lambda socket: (socket["protocol"], socket["port"], socket["address"]))


def password_of(connection_string: str) -> str:
    """The password in a libpq connection string or URI; empty where there is none."""
    if "://" in connection_string:
        return unquote(urlsplit(connection_string).password or "")
    quoted = re.search(r"\bpassword\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S+))", connection_string)
    return (quoted.group(1) or quoted.group(2) or "") if quoted else ""


def secrets_of(pid: int, names: list[str]) -> dict[str, str]:
    """{variable: secret value} from the environment of a running process."""
    try:
        items = Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
    except OSError:
        return {}
    environment = dict(item.split("=", 1) for item in items if "=" in item)
    values = {name: environment[name] for name in names if environment.get(name)}
    return {name: password_of(value) or ("" if "=" in value else value) for name, value in values.items()}


def without_environment(details: dict[str, Any]) -> str:
    """`docker inspect` without the container's own environment, which only root can read, as it can the process's."""
    return json.dumps({**details, "Config": {**details["Config"], "Env": []}})


def readable_files(folders: list[str]) -> Iterator[tuple[Path, str]]:
    """(path, text) of small files below the folders that others than their owner can read."""
    for folder in folders:
        for path in Path(folder).rglob("*"):
            if path.is_file() and path.stat().st_mode & 0o077 and path.stat().st_size < 1_000_000:
                yield path, path.read_text(errors="replace")


def exposed_secrets(
    all_details: list[dict[str, Any]], names: list[str], folders: list[str], log_lines: int
) -> list[str]:
    """Where the value of a secret can be read by those who should not."""
    secrets = {}
    for details in all_details:
        if details["State"]["Running"]:
            secrets.update(secrets_of(details["State"]["Pid"], names))
    values = {value: name for name, value in secrets.items() if len(value) >= 6}
    texts = [(f"the file {path}", text) for path, text in readable_files(folders)]
    for details in all_details:
        name = details["Name"].lstrip("/")
        texts.append((f"docker inspect {name}", without_environment(details)))
        texts.append((f"docker image inspect {details['Config']['Image']}", run("docker", "inspect", details["Image"])))
        texts.append((f"docker logs {name}", run("docker", "logs", "--tail", str(log_lines), details["Id"])))
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (directory / "cmdline").read_text(errors="replace")
        except OSError:
            continue
        texts.append((f"the arguments of process {arguments.split(chr(0))[0]}", arguments))
    return sorted({f"{where}: {values[value]}" for where, text in texts for value in values if value in text})


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "secret_variables": {"type": "list", "elements": "str", "default": ["DBCONNECTIONSTRING"], "no_log": False},
            "secret_folders": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "log_lines": {"type": "int", "default": 2000},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        details = container_details()
        module.exit_json(
            changed=False,
            at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            containers=sorted((describe(item) for item in details), key=lambda item: item["name"]),
            listening=listening(),
            exposed_secrets=exposed_secrets(
                details, given["secret_variables"], given["secret_folders"], given["log_lines"]
            ),
        )
    except (OSError, subprocess.CalledProcessError) as error:
        module.fail_json(msg=f"the host cannot be read: {getattr(error, 'stderr', None) or error}")


if __name__ == "__main__":
    main()
