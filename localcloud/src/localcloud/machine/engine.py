"""The machine's Docker daemon: started if none runs, and then stopped with the last cloud."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..settings import STATE_ROOT

Say = Callable[[str], None]

STATE = STATE_ROOT / "engine.json"
LOG = STATE_ROOT / "dockerd.log"
START_SECONDS = 60
STOP_SECONDS = 60
SYSTEMD = Path("/run/systemd/system")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class EngineError(RuntimeError):
    """No Docker daemon answers and none could be started; the message says why."""


def ensure(say: Say) -> None:
    """Return when a Docker daemon answers. Raises EngineError."""
    if _answers():
        return
    if SYSTEMD.is_dir():
        say("starting Docker (systemctl start docker)")
        subprocess.run(["systemctl", "start", "docker"], capture_output=True, check=False)
        _wait(None, "journalctl -u docker shows why")
        return
    say("starting Docker (dockerd, in the background)")
    STATE_ROOT.mkdir(parents=True, exist_ok=True)
    before = {"tables": _tables(), "bridge": _has_bridge(), "forwarding": FORWARDING.read_text().strip()}
    with LOG.open("w") as output:
        daemon = subprocess.Popen(
            ["dockerd"], cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    STATE.write_text(json.dumps({"pid": daemon.pid, **before}))
    _wait(daemon, f"its log is {LOG}")


def release(say: Say) -> None:
    """Stop a daemon that ensure() started, and clean up its network. Any other daemon is left alone."""
    try:
        state: dict[str, Any] = json.loads(STATE.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return
    if not _is_dockerd(state["pid"]):
        _forget()
        return
    running = subprocess.run(["docker", "ps", "-q"], capture_output=True, text=True, check=False).stdout.split()
    if running:
        say(f"leaving Docker (process {state['pid']}) up, because it runs {len(running)} other containers")
        return
    say(f"stopping Docker (process {state['pid']}), which `up` had started")
    os.kill(state["pid"], signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while _is_dockerd(state["pid"]):
        if time.monotonic() > end:
            say(f"Docker (process {state['pid']}) does not stop; its log is {LOG}")
            return
        time.sleep(0.1)
    _clean_network(state)
    _forget()


def _answers() -> bool:
    return subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0


def _wait(daemon: subprocess.Popen[bytes] | None, hint: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if _answers():
            return
        if daemon is not None and daemon.poll() is not None:
            raise EngineError(f"dockerd exited with status {daemon.returncode}; {hint}")
        time.sleep(0.2)
    raise EngineError(f"Docker did not answer within {START_SECONDS} s; {hint}")


def _is_dockerd(pid: int) -> bool:
    """Whether the process is a running Docker daemon, not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" and Path(f"/proc/{pid}/comm").read_text().strip() == "dockerd"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _tables() -> list[str]:
    """The machine's firewall tables, each as family and name."""
    listed = subprocess.run(["nft", "-j", "list", "tables"], capture_output=True, text=True, check=False).stdout
    entries = [entry["table"] for entry in json.loads(listed or '{"nftables": []}')["nftables"] if "table" in entry]
    return sorted(f"{table['family']} {table['name']}" for table in entries)


def _has_bridge() -> bool:
    return subprocess.run(["ip", "link", "show", "docker0"], capture_output=True, check=False).returncode == 0


def _clean_network(state: dict[str, Any]) -> None:
    """Remove the bridge and the chains that Docker created and left behind."""
    if not state["bridge"]:
        subprocess.run(["ip", "link", "del", "docker0"], capture_output=True, check=False)
    for table in set(_tables()) - set(state["tables"]):
        listed = subprocess.run(["nft", "list", "table", *table.split()], capture_output=True, text=True, check=False)
        if "chain DOCKER" in listed.stdout:
            subprocess.run(["nft", "delete", "table", *table.split()], capture_output=True, check=False)
    FORWARDING.write_text(state["forwarding"])


def _forget() -> None:
    STATE.unlink(missing_ok=True)
    LOG.unlink(missing_ok=True)
