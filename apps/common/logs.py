"""Logs: JSON lines on standard output, written by a thread of their own, so that no request waits for whoever reads them."""

from __future__ import annotations

import atexit
import json
import logging
import os
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

# Some 2 MB: what a worker keeps while nobody reads. What comes on top is dropped, and counted.
QUEUE = 4_000
STANDARD_OUTPUT = 1
GATHER_SECONDS = 0.05
END_SECONDS = 1.0

# All but ASCII is escaped: control characters beyond it would move a terminal's cursor as well as ESC does.
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


def to_line(entry: dict[str, Any]) -> str:
    """A JSON object in printable ASCII; `time` is seconds since 1970, written as ISO 8601 in UTC."""
    moment = datetime.fromtimestamp(entry["time"], UTC).isoformat(timespec="milliseconds")
    return _encode({**entry, "time": moment}).replace("\x7f", "\\u007f") + "\n"


class LineWriter:
    """A bounded queue of lines, and the thread that writes them; when it is full, lines are dropped and counted.

    A write to standard output waits for whoever reads it, maybe for ever, so the thread does nothing else and holds
    no lock meanwhile. Lines are gathered for a moment: each write makes a request's thread wait for Python's lock.
    """

    def __init__(self) -> None:
        self._begin()
        atexit.register(self.flush)
        # A forked worker has neither its parent's thread nor its parent's lines.
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._pending: deque[dict[str, Any]] = deque()
        self._dropped = 0
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._writing = False
        self._thread: threading.Thread | None = None

    def write(self, entry: dict[str, Any]) -> None:
        if len(self._pending) >= QUEUE:
            self._dropped += 1
            return
        self._pending.append(entry)
        if not self._wake.is_set():
            self._wake.set()
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._write_on, name="log", daemon=True)
                    self._thread.start()

    def flush(self) -> None:
        """Wait until all is written, but not for long."""
        until = time.monotonic() + END_SECONDS
        while (self._pending or self._writing) and time.monotonic() < until:
            time.sleep(0.01)

    def _write_on(self) -> None:
        while self._wake.wait():
            time.sleep(GATHER_SECONDS)
            self._wake.clear()
            self._writing = True
            while entries := [self._pending.popleft() for _ in range(min(100, len(self._pending)))]:
                self._put("".join(map(to_line, entries)), len(entries))
                if self._dropped:
                    dropped, self._dropped = self._dropped, 0
                    self._put(to_line(_about_dropped(dropped)), 1)
            self._writing = False

    def _put(self, text: str, number: int) -> None:
        data = text.encode("ascii")
        try:
            while data:
                data = data[os.write(STANDARD_OUTPUT, data) :]
        except OSError:
            # Whoever read it has gone.
            self._dropped += number


def _about_dropped(number: int) -> dict[str, Any]:
    return {
        "time": time.time(),
        "level": "warning",
        "logger": "log",
        "message": f"nobody read the log in time: {number} lines were dropped",
        "dropped": number,
    }


lines = LineWriter()


class JsonHandler(logging.Handler):
    """Log records as JSON lines; a stack trace becomes a field."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def emit(self, record: logging.LogRecord) -> None:
        entry = {
            "time": record.created,
            "level": record.levelname.lower(),
            "name": self._name,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["exception"] = logging.Formatter().formatException(record.exc_info)
        lines.write(entry)


def configure_logging(name: str) -> None:
    """Everything that is logged in this process becomes JSON lines, gunicorn's and Flask's words too."""
    logging.basicConfig(level=logging.INFO, handlers=[JsonHandler(name)], force=True)
    for logger in ("gunicorn.error", "gunicorn.access"):
        logging.getLogger(logger).handlers.clear()
        logging.getLogger(logger).propagate = True
    # The development server writes a line a request of its own; ours says more.
    logging.getLogger("werkzeug").addFilter(lambda record: " - - [" not in str(record.msg))
