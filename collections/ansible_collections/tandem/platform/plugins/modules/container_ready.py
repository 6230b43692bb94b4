#!/usr/bin/python
"""Wait on a host until its container can do its work, and tell what it says if it cannot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_ready
short_description: Ask a container whether it can do its work
description:
  - Asks a URL until it answers 200, and then for C(steady) seconds more. Like a load balancer, it minds bad answers then
    only when they go on for 5 seconds (for C(steady) seconds where that is less). Ends early when the container keeps
    crashing. Never fails - C(ready) says how it went, with the evidence.
  - In place of M(community.docker.docker_container) with C(state=healthy), which waits for the image's own check, to the end of
    its time even where the container keeps crashing, and returns neither answer nor log.
options:
  container: {description: Name of the container., type: str, required: true}
  url: {description: What to ask., type: str, required: true}
  timeout: {description: Seconds until the first good answer; 0 asks once., type: int, default: 60}
  steady: {description: Seconds for which to go on asking., type: int, default: 0}
  lines: {description: Number of log lines to return., type: int, default: 20}
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Wait until the backend can do its work
  tandem.platform.container_ready:
    container: backend
    url: http://127.0.0.1:5001/readyz
    timeout: 60
    steady: 5
"""

RETURN = r"""
msg: {description: The answer in a line., type: str, returned: always}
ready: {description: Whether it can do its work., type: bool, returned: always}
answer: {description: Last answer of the URL., type: str, returned: always}
state: {description: What Docker says of the container., type: str, returned: always}
logs: {description: Last log lines., type: list, elements: str, returned: always}
seconds: {description: How long it took., type: float, returned: always}
"""

import http.client
import json
import time
import urllib.error

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.tandem.platform.plugins.module_utils.programs import run

POLL_SECONDS = 0.5
ANSWER_SECONDS = 4
CRASHES = 3
# A load balancer takes a target out after two bad answers in a row, 5 s apart.
SICK_SECONDS = 5.0


def ask(url: str) -> tuple[bool, str]:
    """Whether the URL answers 200, and its answer in a line."""
    status = 0
    try:
        try:
            answer = open_url(url, timeout=ANSWER_SECONDS)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            status = answer.status
            return status == 200, f"{status} {answer.read(500).decode(errors='replace').strip()}"
    except (OSError, http.client.HTTPException) as error:
        return False, f"{status or 'no answer'}: {getattr(error, 'reason', '') or str(error) or type(error).__name__}"


def docker(*arguments: str) -> str:
    """Docker's standard output and error."""
    done = run(["docker", *arguments], together=True)
    return done.stdout if done.returncode == 0 else ""


def describe(container: str) -> tuple[bool, str]:
    """Whether the container is beyond hope, and its state in words."""
    found = docker("container", "inspect", container)
    if not found:
        return True, "there is no such container"
    details = json.loads(found)[0]
    state, restarts = details["State"], details["RestartCount"]
    words = f"{state['Status']}, {restarts} restarts, last exit code {state['ExitCode']}"
    if state.get("OOMKilled"):
        words += ", out of memory"
    if state.get("Error"):
        words += f", {state['Error']}"
    gone = state["Status"] in ("exited", "dead", "created")
    return gone or restarts >= CRASHES, words


def watch(container: str, url: str, timeout: float, steady: float) -> tuple[bool, str, str]:
    """(ready, last answer, state): good within `timeout` seconds, and for `steady` seconds from then on never long sick."""
    began = time.monotonic()
    good_since = bad_since = None
    while True:
        good, answer = ask(url)
        now = time.monotonic()
        if good:
            good_since, bad_since = good_since or now, None
            if now - good_since >= steady:
                return True, answer, describe(container)[1]
        else:
            hopeless, state = describe(container)
            bad_since = bad_since or now
            sick = now - bad_since >= min(steady, SICK_SECONDS)
            if hopeless or (sick and (good_since or now - began >= timeout)):
                return False, answer, state
        time.sleep(POLL_SECONDS)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "container": {"type": "str", "required": True},
            "url": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 60},
            "steady": {"type": "int", "default": 0},
            "lines": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    began = time.monotonic()
    ready, answer, state = watch(wanted["container"], wanted["url"], wanted["timeout"], wanted["steady"])
    words = "ready" if ready else f"not ready after {time.monotonic() - began:.0f} s: {answer}; container: {state}"
    logs = docker("logs", "--tail", str(wanted["lines"]), wanted["container"]).splitlines()
    module.exit_json(
        changed=False,
        msg=words,
        ready=ready,
        answer=answer,
        state=state,
        logs=logs,
        seconds=round(time.monotonic() - began, 1),
    )


if __name__ == "__main__":
    main()
