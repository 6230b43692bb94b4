"""A client for HAProxy's runtime API: text commands on a Unix socket."""

from __future__ import annotations

import csv
import socket
import time
from dataclasses import dataclass
from pathlib import Path

SECONDS = 10
RELOAD_SECONDS = 3


class HaproxyError(RuntimeError):
    """HAProxy refused a command; the message has the command and the response."""


@dataclass(frozen=True)
class ServerState:
    """A server's state in `show stat`. status: for example UP, UP 1/2, DOWN, DOWN 1/5, DRAIN, MAINT.

    check: the last check's result (L7OK, L7STS, L4TOUT, …; INI before the first). code: HTTP status, or 0.
    score: successes since it was down, up to the sum of the thresholds. sessions: current requests.
    """

    status: str
    check: str
    code: int
    score: int
    sessions: int


class Haproxy:
    """The HAProxy of one load balancer. folder: of its sockets."""

    def __init__(self, folder: Path) -> None:
        self._worker = folder / "admin.sock"
        self._master = folder / "master.sock"

    def answers(self) -> bool:
        """Whether HAProxy is up."""
        try:
            return "Name: HAProxy" in self.ask("show info")
        except HaproxyError:
            return False

    def ask(self, *commands: str) -> str:
        """Run commands as one batch; returns the response."""
        return _exchange(self._worker, "; ".join(commands))

    def run(self, *commands: str) -> None:
        """Run commands that respond with nothing on success. Raises HaproxyError."""
        answer = self.ask(*commands).strip()
        harmless = ("New server registered.", "Server deleted.")
        complaints = [line for line in answer.splitlines() if line.strip() and not line.startswith(harmless)]
        if complaints:
            raise HaproxyError(f"haproxy: {'; '.join(commands)}: {' '.join(complaints)}")

    def delete(self, server: str) -> bool:
        """Delete a server in maintenance. Returns False while it still has connections."""
        answer = self.ask(f"del server {server}")
        return "Server deleted" in answer or "No such server" in answer

    def servers(self) -> dict[tuple[str, str], ServerState]:
        """The state of each server, by backend and name."""
        lines = self.ask("show stat -1 4 -1").lstrip("# ").splitlines()
        return {
            (row["pxname"], row["svname"]): ServerState(
                status=row["status"],
                check=row["check_status"].lstrip("* "),
                code=int(row["check_code"] or 0),
                score=int(row["check_health"] or 0),
                sessions=int(row["scur"] or 0),
            )
            for row in csv.DictReader(line for line in lines if line)
        }

    def state(self) -> str:
        """The state of all servers, in the format of `server-state-file`."""
        return self.ask("show servers state")

    def reload(self) -> None:
        """Start a new worker with the configuration on disk; the old one finishes its requests.

        Raises HaproxyError if HAProxy rejects the configuration; the old worker then stays.
        """
        answer = _exchange(self._master, "reload")
        if not answer.startswith("Success=1"):
            raise HaproxyError(f"haproxy rejects its configuration: {answer.strip()[-1000:]}")


def _exchange(path: Path, line: str) -> str:
    """Send one line and read the response. Raises HaproxyError."""
    try:
        with _connect(path) as connection:
            connection.sendall(line.encode() + b"\n")
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode(errors="replace")
    except OSError as error:
        raise HaproxyError(f"haproxy does not answer at {path}: {error}") from error


def _connect(path: Path) -> socket.socket:
    """Connect, retrying because the socket refuses connections for a moment during a reload."""
    end = time.monotonic() + RELOAD_SECONDS
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SECONDS)
        try:
            connection.connect(str(path))
        except OSError as error:
            connection.close()
            if not isinstance(error, ConnectionRefusedError) or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return connection
