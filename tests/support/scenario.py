"""The API of a molecule scenario, for as long as the scenario exists. Its files lie in the ephemeral directory.

`python -m tests.support.scenario start | mark | state | end`: start it, note where in its journal the second run begins,
say whether it runs, end it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from localcloud.testing import REGION, Endpoint, parsed

LOCALCLOUD = str(Path(sys.executable).with_name("localcloud"))


def attached() -> Endpoint:
    """The API of the scenario that runs."""
    return parsed(_file("api.env").read_text())


def second_run(endpoint: Endpoint) -> list[dict[str, Any]]:
    """The scenario's calls since the journal was marked."""
    return endpoint.journal()[int(_file("mark").read_text()) :]


def start() -> None:
    """Start the API on a free port, wait until it answers, and write aws.config for every AWS client of the scenario."""
    output = _file("api.env")
    with output.open("w") as out, _file("api.log").open("w") as log:
        process = subprocess.Popen(
            [LOCALCLOUD, "api", "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            start_new_session=True,
        )
    _file("api.pid").write_text(str(process.pid))
    deadline = time.monotonic() + 60
    while "# journal" not in output.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            end()
            sys.exit(f"the API did not start: {_file('api.log').read_text()[-2000:]}")
        time.sleep(0.1)
    found = attached().environment
    config = _file("aws.config")
    config.touch(mode=0o600)
    config.write_text(
        f"[default]\nregion = {REGION}\nendpoint_url = {found['AWS_ENDPOINT_URL']}\n"
        f"aws_access_key_id = {found['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {found['AWS_SECRET_ACCESS_KEY']}\n"
    )


def mark() -> None:
    _file("mark").write_text(str(len(attached().journal())))


def end() -> None:
    """End the API, if it still runs, and wait for it. Every teardown of a scenario may call this."""
    if state() == "running":
        os.kill(int(_file("api.pid").read_text()), signal.SIGTERM)
        deadline = time.monotonic() + 20
        while state() == "running" and time.monotonic() < deadline:
            time.sleep(0.05)
    for name in ("api.pid", "api.env", "aws.config", "mark"):
        _file(name).unlink(missing_ok=True)


def state() -> str:
    """running, or ended: whether the process that start() made is there (another may have got its number)."""
    try:
        command = Path(f"/proc/{_file('api.pid').read_text().strip()}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return "ended"
    return "running" if b"localcloud\0api" in command else "ended"


def _file(name: str) -> Path:
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / name


if __name__ == "__main__":
    print({"start": start, "mark": mark, "state": state, "end": end}[sys.argv[1]]() or "")
