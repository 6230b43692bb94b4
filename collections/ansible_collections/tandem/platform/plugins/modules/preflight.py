#!/usr/bin/python
"""Ansible module: everything that would fail later, said at once and before anything is made."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check an environment's variables, credentials and account
description:
  - Checks the variables, the operator's machine, the credentials and what the account offers. Changes nothing.
  - Fails with all problems together; each names variable, value, what is wrong, what is allowed, and how to mend it.
  - In place of M(ansible.builtin.assert) and the C(_info) modules, such as M(amazon.aws.aws_caller_info), which end at the
    first problem, one run for each, and cost a second of start each.
options:
  settings:
    description: The variables of C(group_vars/all/main.yml) by name.
    type: dict
    required: true
  own_address_url:
    description: Answers with the address from which this machine reaches the internet. C(admin_cidr) is it where it is empty,
      and must hold it where it is not.
    type: str
    default: https://checkip.amazonaws.com
  docker:
    description: Whether a Docker daemon must answer on this machine.
    type: bool
    default: true
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Check everything before anything is made
  tandem.platform.preflight:
    settings: "{{ preflight_settings }}"
"""

RETURN = r"""
account:
  description: The account's number.
  returned: always
  type: str
arn:
  description: Who calls.
  returned: always
  type: str
admin_cidr:
  description: From where SSH will be allowed.
  returned: always
  type: str
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import getproxies

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.tandem.platform.plugins.module_utils.docker_client import (
    clients,
    has_buildkit,
    how_to_install,
)
from ansible_collections.tandem.platform.plugins.module_utils.preflight import account
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import (
    Problem,
    admin_cidr_excludes,
    admin_cidr_problems,
    settings_problems,
)
from ansible_collections.tandem.platform.plugins.module_utils.programs import run

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # machine_problems says what is missing.

LIBRARIES = ("boto3", "botocore", "cryptography", "psutil")
PROGRAMS = ("ssh", "docker")
FORK_SAFETY = "OBJC_DISABLE_INITIALIZE_FORK_SAFETY"
# Lets another processor run x86_64 programs. Docker Desktop brings its own.
EMULATOR = Path("/proc/sys/fs/binfmt_misc/qemu-x86_64")


def machine_problems(docker: bool) -> Iterator[Problem]:
    """Libraries and programs of this machine."""
    for library in LIBRARIES:
        if importlib.util.find_spec(library) is None:
            fix = "run Ansible from the project's .venv (make setup makes it)"
            yield Problem("Python library", library, "not installed", "what requirements.txt pins", fix)
    if sys.platform == "darwin" and os.environ.get(FORK_SAFETY) != "YES":
        wrong = "not YES, so that macOS ends Ansible's workers"
        yield Problem("environment", FORK_SAFETY, wrong, "YES", f"export {FORK_SAFETY}=YES (make does)")
    programs = PROGRAMS if docker else PROGRAMS[:1]
    missing = [name for name in programs if shutil.which(name) is None]
    for name in missing:
        yield Problem("program", name, "not installed", "on the PATH of this machine", f"install {name}")
    if docker and "docker" not in missing:
        if not any(map(has_buildkit, clients())):
            found = ", ".join(clients())
            yield Problem("Docker", found, "has no BuildKit", "a client with the buildx plugin", how_to_install())
        answer = run(["docker", "version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"])
        platform = answer.stdout.strip()
        if answer.returncode:
            wrong = (answer.stderr.strip().splitlines() or ["does not answer"])[-1]
            yield Problem("Docker", "daemon", wrong, "a running daemon: it builds the images", "start dockerd")
        elif sys.platform == "linux" and platform != "linux/amd64" and not EMULATOR.exists():
            wrong = "cannot build the hosts' images, which are linux/amd64"
            fix = "install qemu-user-static and binfmt-support, or name another daemon: DOCKER_HOST=ssh://…"
            yield Problem("Docker", f"daemon on {platform}", wrong, "linux/amd64, or an emulator of it", fix)


def own_address(url: str) -> str:
    """The range that holds only the address from which this machine reaches the internet."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url} is no web address")
    with open_url(url, timeout=10) as answer:
        return f"{answer.read().decode().strip()}/32"


def admin_cidr(settings: dict[str, Any], url: str) -> tuple[str, list[Problem]]:
    """(admin_cidr as given or found, problems of finding it, or of reaching the hosts from outside of it)."""
    given = settings["admin_cidr"]
    # Behind a proxy the web sees another address than SSH will come from.
    if getproxies().keys() & {"http", "https"}:
        wrong = "it cannot be found by itself: this machine uses a proxy for the web, and SSH does not"
        empty = Problem("admin_cidr", "(empty)", wrong, "an IPv4 range", "-e admin_cidr=203.0.113.7/32")
        return given, [] if given else [empty]
    try:
        found = own_address(url)
    except (OSError, ValueError) as error:
        if given:
            return given, []
        wrong = f"it cannot be found by itself: {error}"
        return "", [Problem("admin_cidr", "(empty)", wrong, "an IPv4 range", "-e admin_cidr=203.0.113.7/32")]
    if given:
        return given, admin_cidr_excludes(given, found)
    return found, admin_cidr_problems(found, from_anywhere=False)


def account_problems(client: Callable[[str], Any], settings: dict[str, Any]) -> Iterator[Problem]:
    """What the account says, given credentials that work. Checks that build on a wrong value are left out."""
    region = settings["region"]
    wrong_region = account.region_problem(client, region)
    yield from wrong_region
    if wrong_region:
        return
    wrong_type = list(account.instance_type_problems(client, settings["instance_type"], region))
    yield from wrong_type
    yield from account.database_problems(
        client, settings["db_instance_class"], str(settings["db_engine_version"]), region
    )
    yield from account.image_problem(client, region, int(settings["volume_size"]))
    yield from account.existing_problems(client, settings)
    if not wrong_type:
        yield from account.quota_problems(client, settings)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "dict", "required": True},
            "own_address_url": {"type": "str", "default": "https://checkip.amazonaws.com"},
            "docker": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    settings = module.params["settings"]
    problems = [*machine_problems(module.params["docker"]), *settings_problems(settings)]
    cidr, unfound = admin_cidr(settings, module.params["own_address_url"])
    problems += unfound
    caller: dict[str, str] = {}
    if importlib.util.find_spec("boto3") is not None:
        options = Config(retries={"mode": "standard", "max_attempts": 10}, connect_timeout=10)

        @cache
        def client(service: Any, region: Any = settings["region"]) -> Any:
            return boto3.client(service, region_name=region, config=options)

        try:
            caller, wrong = account.credentials_problem(client, settings["region"])
            # Variables that are wrong by themselves would only make AWS say so once more, less clearly.
            problems += wrong or ([] if settings_problems(settings) else account_problems(client, settings))
        except (BotoCoreError, ClientError, ValueError) as error:
            problems.append(Problem("AWS", settings["region"], str(error), "an answer", "check rights and network"))
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        module.fail_json(msg=f"{count}, nothing was made.\n\n" + "\n\n".join(map(str, problems)))
    module.exit_json(changed=False, admin_cidr=cidr, **caller)


if __name__ == "__main__":
    main()
