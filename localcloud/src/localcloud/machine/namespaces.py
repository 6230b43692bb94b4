"""Network namespaces: create them, run ip and nft in them, open sockets in them."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

NAMESPACES = Path("/run/netns")
SECONDS = 30


class CommandError(RuntimeError):
    """A command failed; the message has the command and its output."""


def run(*command: str, text: str | None = None, check: bool = True) -> str:
    """Run a command on the machine with `text` as its input. Returns its output. Raises CommandError."""
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{' '.join(command)}: timed out after {SECONDS} s") from error
    if check and done.returncode != 0:
        raise CommandError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[:2000]}")
    return done.stdout


def path(namespace: str | int) -> str:
    """The file of a namespace, given by its name or by the PID of a process in it."""
    return f"/proc/{namespace}/ns/net" if isinstance(namespace, int) else str(NAMESPACES / namespace)


def run_in(namespace: str | int, *command: str, text: str | None = None, check: bool = True) -> str:
    """Run a command inside a namespace. `ip netns exec` would hide the machine's /sys, so use nsenter."""
    return run("nsenter", f"--net={path(namespace)}", "--", *command, text=text, check=check)


def ip_batch(namespace: str | int, lines: Iterable[str], force: bool = False) -> None:
    """Run `ip` commands (without the word ip) in one process. force: ignore failures."""
    text = "\n".join(lines)
    if text:
        run_in(namespace, "ip", *(["-force"] if force else []), "-batch", "-", text=text + "\n", check=not force)


def nft(namespace: str | int | None, rules: str) -> None:
    """Load nftables rules as one transaction, in a namespace or (None) on the machine."""
    if namespace is None:
        run("nft", "-f", "-", text=rules)
    else:
        run_in(namespace, "nft", "-f", "-", text=rules)


def sysctl(namespace: str | int, values: dict[str, int]) -> None:
    """Set kernel settings of a namespace."""
    run_in(namespace, "sysctl", "-qw", *[f"{name}={value}" for name, value in values.items()])


def create(namespace: str) -> None:
    """Create the namespace, with its loopback up, if it does not exist."""
    if not (NAMESPACES / namespace).exists():
        run("ip", "netns", "add", namespace)
        # No IPv6: nothing in the cloud uses or filters it.
        run_in(namespace, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", check=False)
    run("ip", "-n", namespace, "link", "set", "lo", "up")


def delete(namespace: str) -> None:
    """Remove the namespace, if it exists, with its links, routes and tables."""
    if (NAMESPACES / namespace).exists():
        run("ip", "netns", "del", namespace)


def exists(namespace: str) -> bool:
    return (NAMESPACES / namespace).exists()


def inside[T](namespace: str | int, work: Callable[[], T]) -> T:
    """Run work() in a thread inside the namespace; sockets that it creates stay there."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def enter() -> None:
        try:
            handle = os.open(path(namespace), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.setns(handle, os.CLONE_NEWNET)
            finally:
                os.close(handle)
            outcome.append(work())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=enter, name=f"in {namespace}", daemon=True)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def make_socket(namespace: str | int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """An IPv4 socket that belongs to the namespace, whichever thread uses it."""
    return inside(namespace, lambda: socket.socket(socket.AF_INET, kind))


def listen(namespace: str | int, address: str, port: int, backlog: int = 128) -> socket.socket:
    """A listening TCP socket in the namespace."""
    listener = make_socket(namespace)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener


def connect(namespace: str | int, address: str, port: int, timeout: float, source: str | None = None) -> socket.socket:
    """A TCP connection from inside the namespace. Raises OSError."""
    connection = make_socket(namespace)
    try:
        connection.settimeout(timeout)
        if source:
            connection.bind((source, 0))
        connection.connect((address, port))
    except OSError:
        connection.close()
        raise
    return connection


def announce(namespace: str, bridge: str, address: str, mac: str) -> None:
    """Announce the address's new MAC to the bridge (gratuitous ARP), because hosts cache the old one for long."""
    sender = bytes.fromhex(mac.replace(":", "")) + socket.inet_aton(address)
    request = bytes.fromhex("0001080006040001") + sender + bytes(6) + socket.inet_aton(address)
    with inside(namespace, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)) as raw:
        raw.bind((bridge, 0))
        raw.send(b"\xff" * 6 + sender[:6] + b"\x08\x06" + request)


def device(prefix: str, resource: str) -> str:
    """A device name for a resource: the prefix and the end of its ID, within the kernel's 15 characters."""
    return prefix + resource.rpartition("-")[2][-(15 - len(prefix)) :]


def make_mac(resource: str) -> str:
    """A locally administered MAC address, derived from the resource's ID."""
    digest = hashlib.sha256(resource.encode()).hexdigest()
    return ":".join(["02", *[digest[index : index + 2] for index in range(0, 10, 2)]])


def names() -> list[str]:
    """The names of all namespaces of the machine."""
    with suppress(FileNotFoundError):
        return sorted(entry.name for entry in NAMESPACES.iterdir())
    return []
