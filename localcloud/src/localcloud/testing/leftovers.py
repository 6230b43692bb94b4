"""Everything on this machine that carries a local cloud's name. All lists are empty once it is removed."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from ..machine import namespaces
from ..machine.guard import metric
from ..machine.sweep import processes
from ..settings import Settings


def kept(name: str) -> dict[str, list[str]]:
    label = f"label=localcloud={name}"
    number = metric(Settings(name=name))
    routes = json.loads("".join(lines("ip", "-j", "route", "show", "table", "all")) or "[]")
    places = (("/var/lib/localcloud", name), ("/run", f"localcloud-{name}.lock"))
    links = json.loads("".join(lines("ip", "-j", "link", "show")) or "[]")
    return {
        "containers": lines("docker", "ps", "--all", "--quiet", "--filter", label),
        "volumes": lines("docker", "volume", "ls", "--quiet", "--filter", label),
        "namespaces": [
            namespace for namespace in namespaces.names() if re.fullmatch(rf"{name}-(internet|vpc-\w+)", namespace)
        ],
        "links": [link["ifname"] for link in links if link.get("ifalias") == f"localcloud:{name}"],
        "routes": [route["dst"] for route in routes if route.get("metric") == number],
        "tables": [
            line for line in lines("nft", "list", "tables") if line.endswith(f" {name.replace('-', '_')}_guard")
        ],
        "rules": [
            line for line in lines("iptables", "-w", "-S") if f"localcloud:{name}" in line.replace('"', "").split()
        ],
        "processes": [f"{pid} {words}" for pid, words in processes() if _is_of(name, words)],
        "files": [str(path) for folder, pattern in places for path in Path(folder).glob(pattern)],
    }


def _is_of(name: str, words: list[str]) -> bool:
    """Whether this is the command line of the cloud's daemon or of a program that reads its files."""
    return words[1:] == ["-m", "localcloud.daemon", name] or any(f"/localcloud/{name}/" in word for word in words)


def lines(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []
