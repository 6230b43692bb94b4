"""The journal: one JSON object per line for every call, written before the response is sent."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

from .request import Call


class Journal:
    """Thread-safe. Fields: time (ISO 8601, UTC), service, region, action, status (HTTP; 0 if the connection was reset),
    error (AWS's code or null), mutating, latency_ms."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = path.open("a", buffering=1, encoding="utf-8")

    def write(self, call: Call, status: int, error: str | None, seconds: float) -> None:
        line = json.dumps(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "service": call.service,
                "region": call.region,
                "action": call.action,
                "status": status,
                "error": error,
                "mutating": call.mutates,
                "latency_ms": round(seconds * 1000, 1),
            }
        )
        with self._lock:
            self._file.write(line + "\n")

    def close(self) -> None:
        with self._lock:
            self._file.close()
