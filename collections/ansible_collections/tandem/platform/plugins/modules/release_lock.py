#!/usr/bin/python
"""Hold the lock of an environment while it is deployed to."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_lock
short_description: Take or free the lock of an environment
description:
  - The lock is a parameter in SSM Parameter Store. Making a parameter that exists fails, so of two takers one wins.
  - A lock whose process died in this very place (machine, node, process numbers, user) is taken over. One of another
    place, whose processes cannot be seen from here, is left alone until C(break_id) names it.
  - In place of M(community.aws.ssm_parameter) with C(overwrite_value=never), which does not say who holds the lock, takes over
    none that is dead, and would free one that is somebody else's.
options:
  name: {description: Name of the parameter., type: str, required: true}
  state: {description: Whether to take the lock or to free it., type: str, choices: [held, free], required: true}
  purpose: {description: What the lock is taken for., type: str, default: deploy}
  break_id: {description: "ID of a lock to take over, as the refusal named it.", type: str, default: ""}
  tags: {description: Tags of the parameter., type: dict, default: {}}
extends_documentation_fragment: [amazon.aws.common.modules, amazon.aws.region.modules, amazon.aws.boto3]
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Take the lock
  tandem.platform.release_lock:
    name: /tandem/main/release/lock
    state: held
    purpose: deploy 1.2.3
"""

RETURN = r"""
lock: {description: "The lock as it stands (C(id), C(who), C(since), C(purpose), ...).", type: dict, returned: success}
broken: {description: The lock that was taken over., type: dict, returned: when one was}
"""

import fcntl
import getpass
import json
import os
import platform
import tempfile
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import path_problem
from ansible_collections.tandem.platform.plugins.module_utils.release.records import (
    MalformedError,
    checked_lock,
    malformed,
    one_line,
)

try:
    import psutil
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # AnsibleAWSModule says that botocore is missing, and preflight the rest.

SETTLE_SECONDS = 2  # after which two that break one lock have both done so
CLOCK_SECONDS = 2  # by which a process's start may move when the clock is set
DELETED_SECONDS = 40  # for which a deleted name may be refused; AWS says 30


def read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def controller() -> Any:
    """The ansible-playbook that started this module: the outermost of its ancestors with that name."""
    found, *others = psutil.Process().parents()
    for ancestor in (found, *others):
        with suppress(psutil.Error):  # another user's may not be looked at
            if any(os.path.basename(argument).startswith("ansible-") for argument in ancestor.cmdline()[:2]):
                found = ancestor
    return found


def place() -> dict:
    """Where this module runs. Only from the same place can be seen whether a process lives.

    Machines that were made of one image may share a machine ID, containers a boot ID, and each has its own process numbers.
    """
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return {
        "machine": read("/etc/machine-id") or platform.node(),
        "node": platform.node(),
        "namespace": namespace,
        "uid": os.getuid(),
    }


def own_lock(purpose: str) -> dict:
    holder = controller()
    return {
        "id": uuid.uuid4().hex[:12],
        "who": f"{getpass.getuser()}@{platform.node()}",
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "purpose": purpose,
        **place(),
        "pid": holder.pid,
        "started": holder.create_time(),
    }


def is_ours(lock: dict) -> bool:
    """Whether the very process that runs this module holds the lock."""
    return is_of_here(lock) and lock.get("pid") == controller().pid and is_alive(lock)


def is_of_here(lock: dict) -> bool:
    return place().items() <= lock.items()


def is_alive(lock: dict) -> bool:
    """Whether the holder still runs, as far as can be told here: of another place it cannot."""
    if not is_of_here(lock):
        return True
    pid, started = lock.get("pid"), lock.get("started")
    if not isinstance(pid, int) or not isinstance(started, float):
        return False
    try:
        holder = psutil.Process(pid)
        return holder.status() != psutil.STATUS_ZOMBIE and abs(holder.create_time() - started) < CLOCK_SECONDS
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return False


class Parameter:
    """The lock in SSM Parameter Store."""

    def __init__(self, ssm: Any, name: str) -> None:
        self.ssm = ssm
        self.name = name

    def read(self) -> dict:
        try:
            return checked_lock(self.ssm.get_parameter(Name=self.name, aws_retry=True)["Parameter"]["Value"])
        except is_boto3_error_code("ParameterNotFound"):
            return {}

    def make(self, lock: dict, tags: dict) -> bool:
        """False when somebody else made it first. A retry after a lost answer finds its own lock: that is success.

        A name that was deleted just now is refused too, for up to half a minute as AWS says: it is asked for again.
        """
        tag_list = [{"Key": key, "Value": value} for key, value in tags.items()]
        deadline = time.monotonic() + DELETED_SECONDS
        while True:
            try:
                self.ssm.put_parameter(
                    Name=self.name, Value=json.dumps(lock), Type="String", Tags=tag_list, aws_retry=True
                )
            except is_boto3_error_code("ParameterAlreadyExists"):
                standing = self.read()
                if standing or time.monotonic() > deadline:
                    return standing.get("id") == lock["id"]
                time.sleep(SETTLE_SECONDS)
            else:
                return True

    def delete(self) -> None:
        try:
            self.ssm.delete_parameter(Name=self.name, aws_retry=True)
        except is_boto3_error_code("ParameterNotFound"):
            pass


def take(parameter: Parameter, lock: dict, tags: dict, break_id: str) -> tuple[dict, dict]:
    """Take the lock: (the lock that stands now, the one that was taken over).

    Two runs of one machine that find the same dead lock must not both delete: a file lock puts them in a row.
    """
    with open(os.path.join(tempfile.gettempdir(), f".release-lock-{os.getuid()}"), "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if parameter.make(lock, tags):
            return lock, {}
        standing = parameter.read()
        if standing and not is_ours(standing) and is_alive(standing) and standing.get("id") != break_id:
            return standing, {}
        parameter.delete()
        parameter.make(lock, tags)
        # Somebody elsewhere may have broken the same lock, and have deleted this one in its place.
        time.sleep(SETTLE_SECONDS)
        return parameter.read(), standing


def refusal(name: str, lock: dict) -> str:
    said = {key: one_line(str(lock.get(key))) for key in ("who", "since", "purpose", "pid", "id")}
    return (
        f"another deployment holds the lock of this environment: {said['who']}, since {said['since']}, "
        f"for: {said['purpose']} (process {said['pid']}). Wait until it is done. If that run is dead, break "
        f"its lock: run this command again with -e release_break_lock={said['id']} (the parameter is {name})"
    )


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["held", "free"], "required": True},
            "purpose": {"type": "str", "default": "deploy"},
            "break_id": {"type": "str", "default": ""},
            "tags": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    if wrong := path_problem(module.params["name"]):
        module.fail_json(msg=wrong)
    wanted = module.params
    if module.check_mode:
        module.exit_json(changed=True, lock={})
    parameter = Parameter(module.client("ssm", retry_decorator=AWSRetry.jittered_backoff()), wanted["name"])
    try:
        if wanted["state"] == "free":
            standing = parameter.read()
            if is_ours(standing):
                parameter.delete()
            module.exit_json(changed=is_ours(standing), lock={})
        lock = own_lock(wanted["purpose"])
        standing, broken = take(parameter, lock, wanted["tags"], wanted["break_id"])
    except MalformedError as error:
        module.fail_json(
            msg=f"{malformed(wanted['name'], str(error))} Before that, see that no deployment is under way."
        )
    except (ClientError, BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"the lock {wanted['name']} cannot be read or written")
    if standing.get("id") != lock["id"]:
        module.fail_json(msg=refusal(wanted["name"], standing))
    if broken:
        module.warn(f"took over the lock of {one_line(broken.get('who'))} since {one_line(broken.get('since'))}")
    module.exit_json(changed=True, lock=lock, broken=broken)


if __name__ == "__main__":
    main()
