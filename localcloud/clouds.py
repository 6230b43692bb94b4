"""The local clouds of this machine: which there are, which run, and how one is started and ended."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from . import control, images, machine
from .settings import MAX_CLOUDS, STATE_ROOT, Settings, SettingsError
from .sweep import sweep

Say = Callable[[str], None]
START_SECONDS = 60
STOP_SECONDS = 60


class CloudError(RuntimeError):
    """The cloud cannot be brought up or down; the message says what was seen and what to do."""


def up(wanted: Settings, say: Say) -> tuple[Settings, bool]:
    """Bring the cloud up. Returns its settings, and whether anything had to be done."""
    _require_root()
    found = find(wanted.name)
    if found and is_running(found):
        _refuse_other_settings(found, wanted)
        return found, False
    machine.prepare(wanted, say)
    images.ensure(say)
    with _registry():
        if found:
            say(f"removing what an earlier run of {found.name} left behind")
            sweep(found)
        settings = replace(wanted, slot=_free_slot())
        settings.state_dir.mkdir(parents=True, mode=0o700, exist_ok=True)
        _settings_file(settings.name).write_text(json.dumps({**asdict(settings), "state_root": None}))
    _start_daemon(settings, say)
    return settings, True


def down(name: str, say: Say) -> bool:
    """End the cloud and remove everything of it. Returns whether there was anything to remove."""
    _require_root()
    found = find(name)
    settings = found or Settings(name=name)
    if found:
        _end_daemon(settings, say)
    with _registry():
        swept = sweep(settings)
        shutil.rmtree(settings.state_dir, ignore_errors=True)
        if not _settings_of_all():
            machine.release(say)
            with_suppressed_rmdir(STATE_ROOT)
    return bool(found) or bool(swept)


def find(name: str) -> Settings | None:
    """The settings with which the cloud of this name was started, or None."""
    try:
        stored = json.loads(_settings_file(name).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return Settings(**{**stored, "state_root": STATE_ROOT})


def is_running(settings: Settings) -> bool:
    try:
        control.call(settings.control_socket, "ping", timeout=5)
    except control.ControlError:
        return False
    return True


def running(name: str) -> Settings:
    """The running cloud of this name. Raises CloudError where there is none."""
    found = find(name)
    if found is None or not is_running(found):
        _require_root()
        raise CloudError(f"the local cloud {name!r} is not running. Start it with: localcloud up")
    return found


def ask(name: str, request: str, arguments: dict[str, Any] | None = None) -> Any:
    """The running cloud's answer to a control request."""
    return control.call(running(name).control_socket, request, arguments)


def _require_root() -> None:
    if os.geteuid() != 0:
        raise CloudError(
            "the local cloud makes network namespaces and firewall tables, so it needs root. "
            f"Run: sudo {' '.join(sys.argv)}"
        )


def _refuse_other_settings(found: Settings, wanted: Settings) -> None:
    for name, option in (("http_port", "--port"), ("aws_time", "--aws-time")):
        is_now, asked = getattr(found, name), getattr(wanted, name)
        if is_now != asked:
            raise CloudError(
                f"{option}={asked}: the local cloud {found.name!r} runs with {option}={is_now}. "
                "To change it: localcloud down, then localcloud up again"
            )


@contextmanager
def _registry() -> Iterator[None]:
    """Hold the lock under which slots are given and taken."""
    STATE_ROOT.mkdir(parents=True, exist_ok=True)
    STATE_ROOT.chmod(0o711)
    with Path("/run/localcloud.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _settings_file(name: str) -> Path:
    return STATE_ROOT / name / "settings.json"


def _settings_of_all() -> list[Settings]:
    names = [path.parent.name for path in STATE_ROOT.glob("*/settings.json")]
    return [settings for name in names if (settings := find(name))]


def _free_slot() -> int:
    taken = {settings.slot for settings in _settings_of_all()}
    free = [slot for slot in range(MAX_CLOUDS) if slot not in taken]
    if not free:
        raise CloudError(
            f"{MAX_CLOUDS} local clouds are up, and no more fit. End one: LOCALCLOUD_NAME=… localcloud down"
        )
    return free[0]


def _start_daemon(settings: Settings, say: Say) -> None:
    say("starting the API and the data plane")
    with settings.log_file.open("a") as output:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "localcloud.daemon", settings.name],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if daemon.poll() is not None:
            raise CloudError(f"the daemon ended with status {daemon.returncode}. {_last_lines(settings)}")
        if is_running(settings):
            return
        time.sleep(0.05)
    raise CloudError(f"the daemon did not answer within {START_SECONDS} s. {_last_lines(settings)}")


def _last_lines(settings: Settings) -> str:
    lines = settings.log_file.read_text(errors="replace").splitlines()[-5:]
    return "\n".join([f"Its log, {settings.log_file}, ends:", *lines])


def daemon_pid(settings: Settings) -> int | None:
    """The daemon's process id, if the process with that id really is this cloud's daemon."""
    try:
        pid = int(settings.pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if {b"localcloud.daemon", settings.name.encode()} <= set(command) else None


def _end_daemon(settings: Settings, say: Say) -> None:
    pid = daemon_pid(settings)
    if pid is None:
        return
    say("ending the daemon")
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while daemon_pid(settings) is not None:
        if time.monotonic() > end:
            say(f"the daemon (process {pid}) did not end within {STOP_SECONDS} s: killing it")
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.05)


def with_suppressed_rmdir(folder: Path) -> None:
    """Remove the folder if it is empty."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


__all__ = ["CloudError", "SettingsError", "ask", "daemon_pid", "down", "find", "is_running", "running", "up"]
