"""Constant load on one URL, each answer noted: what visitors saw while a release was rolled out."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

# A visitor who waits longer has given up.
TIMEOUT = 10


@dataclass(frozen=True)
class Answer:
    """time: seconds since the load began. latency in milliseconds. error: empty if the answer was good."""

    time: float
    latency: float
    name: str
    version: str
    error: str


class Load:
    """Workers that ask one after the other, each on a connection of its own that is kept open."""

    def __init__(self, url: str, rate: float, workers: int) -> None:
        self.url = urlsplit(url)
        self.interval = workers / rate
        self.answers: list[Answer] = []
        self._stop = threading.Event()
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._work, args=(n / rate,), daemon=True) for n in range(workers)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every request that was begun end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT + 1)

    def _work(self, delay: float) -> None:
        connection = self._connect()
        due = time.monotonic() + delay
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            answer = self._ask(connection)
            self.answers.append(answer)
            if answer.error:
                connection.close()
                connection = self._connect()
            # A slow answer is not made up for: the load stays at or below its rate.
            due = max(due + self.interval, time.monotonic())
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.url.hostname or "", self.url.port or 80, timeout=TIMEOUT)

    def _ask(self, connection: http.client.HTTPConnection) -> Answer:
        began = time.monotonic()
        name = version = error = ""
        try:
            connection.request("GET", self.url.path or "/")
            response = connection.getresponse()
            body = response.read()
            if response.status == 200:
                said = json.loads(body)
                name, version = said["name"], said["version"]
            else:
                error = f"status {response.status}: {body[:120].decode(errors='replace')}"
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as problem:
            error = f"{type(problem).__name__}: {problem}"
        now = time.monotonic()
        return Answer(round(began - self._began, 3), round((now - began) * 1000, 2), name, version, error)

    def noted(self) -> list[dict[str, Any]]:
        """The answers so far, as a receipt takes them."""
        return [asdict(answer) for answer in self.answers]


@contextmanager
def loaded(url: str, least: int, workers: int = 8) -> Iterator[Load]:
    """Constant load while something is done, and on until there were at least so many requests: they take a minute."""
    load = Load(url, least / 60, workers)
    load.start()
    try:
        yield load
        deadline = time.monotonic() + 600
        while len(load.answers) < least and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        load.stop()
