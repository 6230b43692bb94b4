"""What the applications' tests start and stop: applications, PostgreSQL, and conditions to wait for."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import psycopg2

# Another folder than the project's own when the tests themselves are tested (mutants.py).
APPS = Path(os.environ.get("APPS_FOLDER", Path(__file__).parents[2] / "apps"))
BIN = Path(sys.executable).parent
OWNER_PASSWORD = "owner-password"


def wait_for[T](condition: Callable[[], T], what: str, seconds: float = 15.0) -> T:
    """The first truthy result of a condition; fails with what was seen last when the time is over."""
    until = time.monotonic() + seconds
    while not (seen := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds:g} s for {what}; last seen: {seen!r}")
        time.sleep(0.05)
    return seen


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Message
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def get(url: str, headers: Mapping[str, str] | None = None, timeout: float = 10.0) -> Reply:
    """GET, whatever the status. Raises OSError when nobody answers."""
    began = time.monotonic()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=dict(headers or {})), timeout=timeout
        ) as answer:
            return Reply(answer.status, answer.headers, answer.read(), time.monotonic() - began)
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.headers, error.read(), time.monotonic() - began)


class Application:
    """One of the two applications as a process: under gunicorn, as in its image."""

    def __init__(
        self,
        which: str,
        folder: Path,
        variables: Mapping[str, str],
        *,
        out: int | None = None,
        wrap: tuple[str, ...] = (),
    ) -> None:
        """out: where standard output goes instead of a file. wrap: as for Postgres."""
        self.port = int(variables.get("PORT", "0")) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.out, self.err = folder / f"{which}-{self.port}.out", folder / f"{which}-{self.port}.err"
        environ = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PORT": str(self.port),
            "APP": which,
            "WORKERS": "1",
            **variables,
        }
        with self.out.open("ab") as file, self.err.open("ab") as err:
            self.process = subprocess.Popen(
                [*wrap, str(BIN / "gunicorn")],
                cwd=APPS,
                env=environ,
                stdout=file if out is None else out,
                stderr=err,
                start_new_session=True,
            )

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return get(self.url + path, headers)

    def answers(self, path: str, status: int = 200) -> Reply | None:
        """The reply, or None when it has another status or nobody answers yet."""
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}: {self.err.read_text()}{self.out.read_text()}")
        try:
            reply = self.get(path)
        except OSError:
            return None
        return reply if reply.status == status else None

    def wait(self, path: str = "/healthz", status: int = 200, seconds: float = 15.0) -> Reply:
        return wait_for(lambda: self.answers(path, status), f"{path} to answer {status}", seconds)  # type: ignore[return-value]

    def log(self) -> list[dict[str, Any]]:
        """Every line on standard output; each must be a JSON object."""
        return [json.loads(line) for line in self.out.read_text().splitlines()]

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise


def make_certificate(certificate: Path, key: Path) -> None:
    """A certificate for localhost that is its own authority, and its key, which only its owner may read."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    key.chmod(0o600)
    certificate.chmod(0o644)


class Postgres:
    """A PostgreSQL server of the tests' own: a free port of the loopback, a folder that is removed afterwards.

    tls: refuse connections without it.
    wrap: a command that runs the server somewhere else, `ip netns exec NAME` for example.
    """

    def __init__(self, folder: Path, *, tls: bool = False, port: int | None = None, wrap: tuple[str, ...] = ()) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
        assert found, "want Debian's package postgresql"
        self._bin = found[-1].parent
        self._folder, self._wrap = folder, wrap
        self.port = port or free_port()
        self.certificate = folder / "server.crt"
        # The server refuses to run as root.
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self._user:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        (folder / "password").write_text(OWNER_PASSWORD)
        rules = ["hostssl all all 127.0.0.1/32 scram-sha-256"] if tls else ["host all all 127.0.0.1/32 scram-sha-256"]
        rules += ["host all all ::1/128 scram-sha-256", "local all all scram-sha-256"]
        self._run(
            "initdb", "-D", f"{folder}/data", "-U", "owner", "-A", "scram-sha-256", "-N", f"--pwfile={folder}/password"
        )
        (folder / "data/pg_hba.conf").write_text("\n".join(rules) + "\n")
        settings = {
            "port": self.port,
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": f"'{folder}'",
            "fsync": "off",
            "max_connections": 60,
        }
        if tls:
            self._make_certificate()
            settings |= {
                "ssl": "on",
                "ssl_cert_file": f"'{self.certificate}'",
                "ssl_key_file": f"'{folder}/server.key'",
            }
        with (folder / "data/postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        self.start()
        self.execute("create database backend", database="postgres")

    def _run(self, program: str, *arguments: str) -> None:
        who = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        command = [str(self._bin / program), *arguments]
        if self._wrap:
            # Only root may enter a network namespace, so the change of user comes after it.
            command = (
                [
                    *self._wrap,
                    "setpriv",
                    f"--reuid={self._user.pw_uid}",
                    f"--regid={self._user.pw_gid}",
                    "--clear-groups",
                    *command,
                ]
                if self._user
                else [*self._wrap, *command]
            )
            who = {}
        done = subprocess.run(command, cwd=self._folder, capture_output=program == "initdb", timeout=60, **who)  # type: ignore[call-overload]
        if done.returncode:
            log = self._folder / "log"
            raise AssertionError(f"{program}: {done.stderr}{log.read_text() if log.exists() else ''}")

    def _make_certificate(self) -> None:
        make_certificate(self.certificate, self._folder / "server.key")
        if self._user:
            os.chown(self._folder / "server.key", self._user.pw_uid, self._user.pw_gid)

    def dsn(
        self, user: str = "owner", password: str = OWNER_PASSWORD, database: str = "backend", extra: str = ""
    ) -> str:
        return f"host=127.0.0.1 port={self.port} user={user} password={password} dbname={database} {extra}".strip()

    def execute(self, statement: str, *, database: str = "backend") -> list[tuple]:
        """Run one statement as the administrator, over the server's socket, and return its rows."""
        connection = psycopg2.connect(
            host=str(self._folder), port=self.port, user="owner", password=OWNER_PASSWORD, dbname=database
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def start(self) -> None:
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-w", "-s", "-l", f"{self._folder}/log", "start")

    def stop(self, mode: str = "fast") -> None:
        if self.is_running():
            self._run("pg_ctl", "-D", f"{self._folder}/data", "-w", "-s", "-m", mode, "stop")

    def is_running(self) -> bool:
        return (self._folder / "data/postmaster.pid").exists()

    def log(self) -> str:
        return (self._folder / "log").read_text()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The whole server stops in the middle of what it does, as if the network had swallowed it."""
        postmaster = int((self._folder / "data/postmaster.pid").read_text().split()[0])
        # The parent first, then its children: none is born in between.
        os.kill(postmaster, signal.SIGSTOP)
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        try:
            for child in children:
                os.kill(int(child), signal.SIGSTOP)
            yield
        finally:
            for process in (*map(int, children), postmaster):
                os.kill(process, signal.SIGCONT)

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)
