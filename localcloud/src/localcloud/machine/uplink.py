"""The machine's links to a cloud, marked by the cloud's name as their alias."""

from __future__ import annotations

import json
from pathlib import Path

from ..settings import Settings
from .namespaces import run


def alias(settings: Settings) -> str:
    return f"localcloud:{settings.name}"


def own_links(settings: Settings) -> list[str]:
    """The machine's links to this cloud, by alias, whatever its slot."""
    links = json.loads(run("ip", "-j", "link", "show") or "[]")
    return [link["ifname"] for link in links if link.get("ifalias") == alias(settings)]


def uplink_mtu() -> int:
    """The smallest MTU of the machine's default routes; 1500 without one."""
    words = run("ip", "-o", "-4", "route", "show", "default").split()
    devices = [words[index + 1] for index, word in enumerate(words[:-1]) if word == "dev"]
    found = [int(Path(f"/sys/class/net/{name}/mtu").read_text()) for name in devices]
    return min(found, default=1500)


def disable_ipv6(link: str) -> None:
    setting = Path(f"/proc/sys/net/ipv6/conf/{link}/disable_ipv6")
    if setting.exists():
        setting.write_text("1")
