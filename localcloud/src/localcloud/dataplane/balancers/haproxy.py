"""A client of HAProxy's runtime API: text commands on a unix socket."""

from __future__ import annotations

import csv
import socket
import time
from dataclasses import dataclass
from pathlib import Path

SECONDS = 10
RELOAD_SECONDS = 3


class HaproxyError(RuntimeError):
    """HAProxy did not do what it was told; the message has the command and its answer."""


@dataclass(frozen=True)
class ServerState:
    """What `show stat` says about a server. status: for example UP, UP 1/2, DOWN, DOWN 1/5, DRAIN, MAINT.

    check: the last check's result (L7OK, L7STS, L4TOUT, …; INI before the first). code: HTTP status, 0 without one.
    score: successes since it was down, counted up to the thresholds' sum. sessions: requests under way.
    """

    status: str
    check: str
    code: int
    score: int
    sessions: int


class Haproxy:
    """One load balancer's HAProxy. folder: where its sockets are."""

    def __init__(self, folder: Path) -> None:
        self._worker = folder / "admin.sock"
        self._master = folder / "master.sock"

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return "Name: HAProxy" in self.ask("show info")
        except HaproxyError:
            return False

    def ask(self, *commands: str) -> str:
        """The worker's answer to commands that it carries out in order, with nothing between them."""
        return _exchange(self._worker, "; ".join(commands))

    def run(self, *commands: str) -> None:
        """Like ask(), for commands that say nothing when all went well. Raises HaproxyError."""
        answer = self.ask(*commands).strip()
        harmless = ("New server registered.", "Server deleted.")
        complaints = [line for line in answer.splitlines() if line.strip() and not line.startswith(harmless)]
        if complaints:
            raise HaproxyError(f"haproxy, told {'; '.join(commands)}: {' '.join(complaints)}")

    def delete(self, server: str) -> bool:
        """Remove a server that is under maintenance. False while it still has connections."""
        answer = self.ask(f"del server {server}")
        return "Server deleted" in answer or "No such server" in answer

    def servers(self) -> dict[tuple[str, str], ServerState]:
        """State of each server, by backend and name."""
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
        """All servers' state in the form that a new worker loads (`server-state-file`)."""
        return self.ask("show servers state")

    def reload(self) -> None:
        """A new worker with the configuration on disk takes the listeners over; the old one ends its requests.

        Raises HaproxyError with what HAProxy says about the configuration; then the old worker goes on.
        """
        answer = _exchange(self._master, "reload")
        if not answer.startswith("Success=1"):
            raise HaproxyError(f"haproxy does not take its configuration: {answer.strip()[-1000:]}")


def _exchange(path: Path, line: str) -> str:
    """Send one line, read until the end. Raises HaproxyError where nothing answers."""
    try:
        with _connect(path) as connection:
            connection.sendall(line.encode() + b"\n")
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode(errors="replace")
    except OSError as error:
        raise HaproxyError(f"haproxy does not answer at {path}: {error}") from error


def _connect(path: Path) -> socket.socket:
    """A connection to the socket, which refuses for a moment while HAProxy reloads."""
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
