"""Prerequisites of a local cloud on this machine: programs, a Docker daemon, a suitable kernel."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from ..settings import Settings
from . import engine
from .guard import OWN_RANGES, Guard

Say = Callable[[str], None]

# Debian package by program.
PROGRAMS = {
    "ip": "iproute2",
    "nft": "nftables",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "sysctl": "procps",
    "modprobe": "kmod",
    "dnsmasq": "dnsmasq-base",
    "mmdebstrap": "mmdebstrap",
    "openssl": "openssl",
    "ssh": "openssh-client",
    "dockerd": "docker.io",
    "docker": "docker-cli",  # Debian 12 and Ubuntu: part of docker.io
}
BUILDX = "docker-buildx"
# Packages to try in order, because names differ between distributions. Docker's own plugin works with any client.
ALTERNATIVES = {"docker-cli": ("docker-cli", "docker.io"), BUILDX: ("docker-buildx-plugin", BUILDX)}
KEYRING = "debian-archive-keyring"
KEYRING_FILES = [Path(f"/usr/share/keyrings/{KEYRING}.{kind}") for kind in ("gpg", "pgp")]
MODULES = ("br_netfilter", "bridge", "veth", "nf_tables", "overlay")
# Kernel settings: minimum and purpose. Each host's systemd uses about nine inotify instances; the default is 128.
KERNEL_SETTINGS = {
    "net/ipv4/ip_forward": (1, "IPv4 forwarding"),
    "fs/inotify/max_user_instances": (1024, "enough file watchers for many hosts"),
}
PROC_SYS = Path("/proc/sys")
# Tries all kernel features that the data plane needs, in a temporary network namespace.
KERNEL_TRIAL = """
set -e
ip link add probe type veth peer name peer
ip link add bridge type bridge
sysctl -qw net.bridge.bridge-nf-call-iptables=1
nft -f - <<RULES
table ip probe {
  chain source { type nat hook postrouting priority srcnat; oifname probe masquerade; }
  chain forward {
    type filter hook forward priority 0;
    ct state established counter accept
    reject with icmp admin-prohibited
  }
}
table bridge probe {
  chain sources { type filter hook prerouting priority 0; ether type arp arp saddr ip 10.0.0.1 accept; }
}
RULES
"""


class MachineError(RuntimeError):
    """The machine lacks something; the message says what, and how to fix it."""


def prepare(settings: Settings, say: Say) -> None:
    """Install missing programs, start Docker if needed, check the kernel. Calls say() for each step. Raises MachineError."""
    _install(missing_packages(), say)
    _check_kernel()
    for network in OWN_RANGES:
        if refusal := Guard(settings).refusal(network):
            raise MachineError(f"the local cloud's internet needs {network}, but {refusal.partition(';')[0]}")
    reach_docker(say)
    set_kernel(say)


def set_kernel(say: Say) -> None:
    """Raise kernel settings that are below the minimum."""
    for name, (least, what) in KERNEL_SETTINGS.items():
        if int((PROC_SYS / name).read_text()) < least:
            say(f"turning on {what} ({name.replace('/', '.')}={least})")
            (PROC_SYS / name).write_text(str(least))


def reach_docker(say: Say) -> None:
    """Start Docker if needed; also for removing what a cloud left in it before a restart of the machine."""
    try:
        engine.ensure(say)
    except engine.EngineError as error:
        raise MachineError(str(error)) from error


def release(say: Say) -> None:
    """Stop a Docker daemon that prepare() started, once the last cloud is gone."""
    engine.release(say)


def missing_packages() -> list[str]:
    """The Debian packages that the machine lacks."""
    missing = {package for program, package in PROGRAMS.items() if not _finds(program)}
    if not any(file.exists() for file in KEYRING_FILES):
        missing.add(KEYRING)
    if not any(has_buildkit(client) for client in _clients()):
        missing.add(BUILDX)
    return sorted(missing)


def has_buildkit(client: str) -> bool:
    """Docker clients 18.09 to 22 include BuildKit; later ones need the buildx plugin, which Debian only recommends."""
    if subprocess.run([client, "buildx", "version"], capture_output=True, check=False).returncode == 0:
        return True
    output = subprocess.run([client, "--version"], capture_output=True, text=True, check=False).stdout
    major = output.removeprefix("Docker version ").partition(".")[0]
    return major.isdigit() and 18 < int(major) < 23


def _clients() -> list[str]:
    """All `docker` programs on PATH, in order."""
    found = [shutil.which("docker", path=folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    return [client for client in found if client]


def _finds(program: str) -> bool:
    return bool(shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin"))


def _install(packages: list[str], say: Say) -> None:
    if not packages:
        return
    if not shutil.which("apt-get"):
        raise MachineError(
            f"this machine lacks the contents of these Debian packages: {', '.join(packages)}. "
            "They are installed automatically only on Debian and Ubuntu; install their equivalents, "
            f"for example: dnf install {' '.join(packages)}"
        )
    _apt(["update"], say, "updating the package lists")
    offered = sorted({package for wanted in packages if (package := _offered(wanted))})
    if offered:
        _apt(["install", "--no-install-recommends", *offered], say, f"installing {', '.join(offered)}")
    still = missing_packages()
    if still == [BUILDX]:
        raise MachineError(
            "no Docker client on this machine has BuildKit, and no package source offers "
            f"{' or '.join(ALTERNATIVES[BUILDX])}. To install the plugin, see https://docs.docker.com/go/buildx"
        )
    if still:
        raise MachineError(f"after apt-get install {' '.join(offered)} still missing: {', '.join(still)}")


def _offered(package: str) -> str | None:
    """The package to install here, or None: without a buildx package, the Docker client may include BuildKit."""
    if package not in ALTERNATIVES:
        return package
    choices = ALTERNATIVES[package]
    return next(filter(_is_offered, choices), None if package == BUILDX else choices[-1])


def _is_offered(package: str) -> bool:
    found = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False)
    return found.returncode == 0 and bool(found.stdout)


def _apt(arguments: list[str], say: Say, what: str) -> None:
    say(what)
    command = ["apt-get", "-qy", "-o", "Dpkg::Options::=--force-confold", *arguments]
    done = subprocess.run(
        command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise MachineError(f"{' '.join(command)} failed. Run it manually to see why. Its output:\n{last}")


def _check_kernel() -> None:
    for module in MODULES:
        # Ignore failures: many kernels have these built in.
        subprocess.run(["modprobe", "-q", module], capture_output=True, check=False)
    trial = ["unshare", "--net", "sh", "-c", KERNEL_TRIAL]
    tried = subprocess.run(trial, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise MachineError(
            "this machine's kernel lacks what the local cloud's networks need (veth, bridge, br_netfilter, nf_tables "
            f"with NAT). Try: modprobe {' '.join(MODULES)}. The error:\n{tried.stderr.strip()[-500:]}"
        )
