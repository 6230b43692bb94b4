"""The local clouds of this machine: starts, stops and finds them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from . import aws_cli, control
from .machine import images, locks, prerequisites
from .machine.sweep import processes, sweep
from .settings import MAX_CLOUDS, STATE_ROOT, Settings

Say = Callable[[str], None]
START_SECONDS = 60
STOP_SECONDS = 60
PING_SECONDS = 30
LAST_LINES = 20
DAEMON = ("-m", "localcloud.daemon")


class CloudError(RuntimeError):
    """A cloud cannot be started or stopped; the message says why and what to do."""


def up(wanted: Settings, say: Say) -> tuple[Settings, bool]:
    """Start the cloud. Returns its settings, and whether anything changed."""
    _require_root()
    with _sole_change_of(wanted.name):
        found = find(wanted.name)
        if found and _comes_up(found):
            _refuse_other_settings(found, wanted)
            return found, False
        if found:
            say(f"removing what an earlier run of {found.name} left behind")
            _end_daemon(found, say)
        _require_port(wanted.http_port)
        prerequisites.prepare(wanted, say)
        images.ensure(say)
        if found:
            _remove(found, say)
        settings = _register(wanted)
        try:
            _start_daemon(settings, say)
        except BaseException:  # also on Ctrl-C
            _remove(settings, say)
            raise
    return settings, True


def down(name: str, say: Say) -> bool:
    """Stop the cloud and remove everything of it. Returns whether there was anything to remove."""
    _require_root()
    with _sole_change_of(name):
        found = find(name)
        if found:
            prerequisites.reach_docker(say)
        removed = _remove(found or Settings(name=name), say)
        with _registry():
            if not _settings_of_all():
                prerequisites.release(say)
                with suppress(OSError):  # not empty, or a mount point
                    STATE_ROOT.rmdir()
    return bool(found) or removed


def find(name: str) -> Settings | None:
    """The settings of the cloud of this name, or None."""
    try:
        stored = json.loads(_settings_file(name).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return Settings(**{**stored, "state_root": STATE_ROOT})


def is_running(settings: Settings) -> bool:
    """Whether the daemon answers. Waits for a daemon on a busy machine."""
    try:
        control.call(settings.control_socket, "ping", timeout=PING_SECONDS)
    except control.ControlError:
        return False
    return True


def _comes_up(settings: Settings) -> bool:
    """Whether the cloud runs, or comes up although its `up` was killed."""
    end = time.monotonic() + START_SECONDS
    while daemon_pid(settings) is not None and time.monotonic() < end:
        if is_running(settings):
            return True
        time.sleep(0.05)
    return False


def running(name: str) -> Settings:
    """The running cloud of this name. Raises CloudError if it does not run."""
    _require_root()
    found = find(name)
    if found is None or not is_running(found):
        raise CloudError(f"the local cloud {name!r} is not running. Start it with: localcloud up")
    return found


def ask(name: str, request: str, arguments: dict[str, Any] | None = None) -> Any:
    """Send a control request to the running cloud."""
    return control.call(running(name).control_socket, request, arguments)


def _require_root() -> None:
    if os.geteuid() != 0:
        raise CloudError(
            "the local cloud needs root, because it creates network namespaces and firewall tables. "
            f"Run `sudo -s`, then again: {' '.join(sys.argv)}"
        )


def _refuse_other_settings(found: Settings, wanted: Settings) -> None:
    for name, option in (("http_port", "--port"), ("aws_time", "--aws-time")):
        is_now, asked = getattr(found, name), getattr(wanted, name)
        if is_now != asked:
            raise CloudError(
                f"{option}={asked}: the local cloud {found.name!r} already runs with {option}={is_now}. "
                "To change it, run localcloud down, then localcloud up"
            )


@contextmanager
def _registry() -> Iterator[None]:
    """Hold the lock for assigning slots."""
    STATE_ROOT.mkdir(parents=True, exist_ok=True)
    STATE_ROOT.chmod(0o711)
    with locks.held("localcloud"):
        yield


def _sole_change_of(name: str) -> AbstractContextManager[None]:
    """Hold the lock for starting or stopping a cloud: a second `up` waits for the first."""
    return locks.held(f"localcloud-{name}")


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
            f"{MAX_CLOUDS} local clouds are up, which is the maximum. Stop one: LOCALCLOUD_NAME=… localcloud down"
        )
    return free[0]


def _register(wanted: Settings) -> Settings:
    """Assign a slot to the cloud and create its state directory."""
    with _registry():
        settings = replace(wanted, slot=_free_slot())
        settings.state_dir.mkdir(parents=True, mode=0o700, exist_ok=True)
        settings.aws_config.write_text(aws_cli.CONFIG)
        _settings_file(settings.name).write_text(json.dumps({**asdict(settings), "state_root": None}))
    return settings


def _remove(settings: Settings, say: Say) -> bool:
    """Stop the daemon and remove everything of the cloud. Returns whether there was anything."""
    ended = _end_daemon(settings, say)
    swept = sweep(settings)
    shutil.rmtree(settings.state_dir, ignore_errors=True)
    return ended or bool(swept)


def _require_port(port: int) -> None:
    """Refuse a port that is in use before anything is created."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise CloudError(
            f"--port={port}: cannot listen on this port ({os.strerror(error.errno or 0)}). "
            f"Choose another, for example: localcloud up --port {port + 1 if port < 65535 else 8081}"
        ) from error


def _start_daemon(settings: Settings, say: Say) -> None:
    say("starting the API and the data plane")
    with settings.log_file.open("a") as output:
        daemon = subprocess.Popen(
            [sys.executable, *DAEMON, settings.name],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if daemon.poll() is not None:
            raise CloudError(f"the daemon exited with status {daemon.returncode}. {_last_lines(settings)}")
        if is_running(settings):
            return
        time.sleep(0.05)
    raise CloudError(f"the daemon did not answer within {START_SECONDS} s. {_last_lines(settings)}")


def _last_lines(settings: Settings) -> str:
    lines = settings.log_file.read_text(errors="replace").splitlines()[-LAST_LINES:]
    return "\n".join(["The end of its log:", *lines])


def daemon_pid(settings: Settings) -> int | None:
    """The daemon's process ID, found by its command line."""
    mine = (*DAEMON, settings.name)
    return next((pid for pid, command in processes() if tuple(command[1:]) == mine), None)


def _end_daemon(settings: Settings, say: Say) -> bool:
    """Stop the daemon. Returns whether there was one."""
    pid = daemon_pid(settings)
    if pid is None:
        return False
    say("stopping the daemon")
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while daemon_pid(settings) is not None:
        if time.monotonic() > end:
            say(f"the daemon (process {pid}) did not stop within {STOP_SECONDS} s: killing it")
            os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.05)
    return True
