"""Connections to PostgreSQL: a pool that one thread keeps, and time limits that hold.

A request never opens a connection and never waits long for one. The keeper opens them, notices that the
database has gone, says so once, and tries until it is back.
"""

from __future__ import annotations

import logging
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE, make_dsn, parse_dsn, set_wait_callback
from psycopg2.extensions import connection as PgConnection  # noqa: N812

CONNECT_SECONDS = 2.0
QUERY_SECONDS = 2.0
PREPARE_SECONDS = 20.0
WAIT_SECONDS = 0.8
LOOK_SECONDS = 1.0
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0)

log = logging.getLogger("database")


class DatabaseAwayError(Exception):
    """The database cannot be used at the moment; the message says why, in one line without a secret."""


class Connection(PgConnection):
    """A psycopg2 connection under a deadline on the monotonic clock, which each use sets anew."""

    def __init__(self, dsn: str, **options: Any) -> None:
        self.deadline = time.monotonic() + CONNECT_SECONDS
        super().__init__(dsn, **options)


def wait_until_deadline(connection: Any) -> None:
    """psycopg2 calls this wherever libpq would block. Raises OperationalError when the time is over."""
    deadline = getattr(connection, "deadline", None)
    poll = select.poll()
    while (state := connection.poll()) != POLL_OK:
        remaining = None if deadline is None else (deadline - time.monotonic()) * 1000
        poll.register(connection.fileno(), {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}[state])
        if (remaining is not None and remaining <= 0) or not poll.poll(remaining):
            raise psycopg2.OperationalError("the database did not answer in time")
        poll.unregister(connection.fileno())


def one_line(error: BaseException) -> str:
    """What the server says is wrong, without the statement; or libpq's words, which take several lines, as one."""
    said = error.diag.message_primary if isinstance(error, psycopg2.Error) else None
    return " ".join((said or str(error)).split()) or type(error).__name__


def with_defaults(dsn: str, name: str) -> str:
    """The connection string with time limits, and the application's name where it names none."""
    given = parse_dsn(dsn)
    limits = f"-c statement_timeout={int(QUERY_SECONDS * 1000)} -c idle_in_transaction_session_timeout=10000"
    defaults = {
        "application_name": name,
        "connect_timeout": "2",
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "10000",
    }
    added = {key: value for key, value in defaults.items() if key not in given}
    # What the operator sets comes later, so it wins.
    return make_dsn(dsn, **added, options=f"{limits} {given.get('options', '')}".strip())


class Database:
    """A pool of at most `size` connections, and one more for the thread that keeps it.

    dsn: libpq connection string. name: what the server sees as application_name.
    prepare: called with the keeper's connection each time the database has come; when it raises, the database
    still counts as away. tend: called with it every `tend_seconds`, which also shows that the database is there.
    """

    def __init__(
        self,
        dsn: str,
        name: str,
        *,
        prepare: Callable[[PgConnection], None],
        tend: Callable[[PgConnection], None],
        tend_seconds: float = 5.0,
        size: int = 6,
    ) -> None:
        self._dsn = with_defaults(dsn, name)
        self._prepare, self._tend, self._tend_seconds = prepare, tend, tend_seconds
        self._size = size
        self._free: deque[Connection] = deque()
        self._open = 0
        self._waiting = 0
        self._away: str | None = None
        self._suspect = False
        self._changed = threading.Condition()
        self._keeper: threading.Thread | None = None

    def start(self) -> None:
        """Begin to connect, in the background. Does nothing the second time."""
        with self._changed:
            if self._keeper is None:
                set_wait_callback(wait_until_deadline)
                self._keeper = threading.Thread(target=self._keep, name="database-keeper", daemon=True)
                self._keeper.start()

    @contextmanager
    def connection(self) -> Iterator[PgConnection]:
        """A live connection in autocommit mode, for at most QUERY_SECONDS.

        Raises DatabaseAwayError: at once when the database is known to be away, after WAIT_SECONDS when all
        connections are busy, and when the connection is lost while in use.
        """
        self.start()
        connection = self._take()
        try:
            connection.deadline = time.monotonic() + QUERY_SECONDS
            yield connection
        except psycopg2.Error as error:
            # A statement that takes too long or cannot be done (a table is missing, say) leaves the connection sound.
            lost = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
            if lost and not isinstance(error, psycopg2.errors.QueryCanceled):
                connection.close()
            raise DatabaseAwayError(one_line(error)) from error
        except BaseException:
            connection.close()
            raise
        finally:
            self._give_back(connection)

    def _take(self) -> Connection:
        until = time.monotonic() + WAIT_SECONDS
        with self._changed:
            while True:
                while self._free:
                    connection = self._free.pop()
                    if is_alive(connection):
                        return connection
                    self._discard(connection)
                    self._suspect = True
                if self._away is not None:
                    raise DatabaseAwayError(self._away)
                remaining = until - time.monotonic()
                if remaining <= 0:
                    raise DatabaseAwayError(
                        f"all {self._size} connections are busy" if self._open else "not connected yet"
                    )
                self._waiting += 1
                self._changed.notify_all()
                self._changed.wait(remaining)
                self._waiting -= 1

    def _give_back(self, connection: Connection) -> None:
        with self._changed:
            if connection.closed:
                self._open -= 1
                self._suspect = True
            else:
                self._free.append(connection)
            self._changed.notify_all()

    def _discard(self, connection: Connection) -> None:
        connection.close()
        self._open -= 1

    # -- the keeper's thread --------------------------------------------------------------------------
    def _keep(self) -> None:
        failures = 0
        while True:
            try:
                with closing(self._connect()) as own:
                    own.deadline = time.monotonic() + PREPARE_SECONDS
                    self._prepare(own)
                    # The first request finds a connection.
                    self._add()
                    self._mark_here()
                    failures = 0
                    self._serve(own)
            except Exception as error:
                self._mark_away(error)
            time.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
            failures += 1

    def _connect(self) -> Connection:
        connection = psycopg2.connect(self._dsn, connection_factory=Connection)
        connection.autocommit = True
        return connection

    def _serve(self, own: Connection) -> None:
        """Open connections that requests wait for, and look after the keeper's own until it fails."""
        tended = time.monotonic()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._suspect or self._is_wanted(), LOOK_SECONDS)
                suspect, self._suspect = self._suspect, False
                wanted = self._is_wanted()
            if suspect or not is_alive(own) or time.monotonic() - tended >= self._tend_seconds:
                own.deadline = time.monotonic() + QUERY_SECONDS
                self._tend(own)
                tended = time.monotonic()
            if wanted:
                self._add()

    def _is_wanted(self) -> bool:
        return (self._open == 0 or self._waiting > len(self._free)) and self._open < self._size

    def _add(self) -> None:
        try:
            connection = self._connect()
        except psycopg2.OperationalError as error:
            # Too many connections, say: those that are open are still good. If not, the keeper's own will tell.
            log.warning("no further connection to the database: %s", one_line(error))
            time.sleep(LOOK_SECONDS)
            with self._changed:
                self._suspect = True
            return
        with self._changed:
            self._open += 1
            self._free.append(connection)
            self._changed.notify_all()

    def _mark_here(self) -> None:
        with self._changed:
            self._away = None
            self._suspect = False
            self._changed.notify_all()
        log.info("connected to the database")

    def _mark_away(self, error: Exception) -> None:
        reason = one_line(error)
        with self._changed:
            changed, self._away = self._away != reason, reason
            while self._free:
                self._discard(self._free.pop())
            self._changed.notify_all()
        if changed:
            unforeseen = None if isinstance(error, psycopg2.Error | DatabaseAwayError) else error
            log.warning("the database is away: %s", reason, exc_info=unforeseen)


def is_alive(connection: Connection) -> bool:
    """False when the server has said anything on an idle connection: it only does so to end it."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
