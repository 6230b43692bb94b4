#!/usr/bin/python
"""Ansible module: what an operator's machine needs to reach an environment's hosts by SSH."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_access
short_description: Prepare SSH to an environment's hosts
description:
  - Writes the private key (from SSM), the host keys and an SSH configuration into a folder of the operator's machine.
  - Host keys are read from the instances' console output, where cloud-init prints them. They come over the AWS API, so
    the first connection is already checked. A host's alias in C(known_hosts) is its instance ID, hence a new host in an
    old one's place is neither refused nor mistaken for it.
  - Hosts without a public address are reached through the first host with one that answers.
options:
  directory:
    description: The folder, made with mode 0700.
    type: path
    required: true
  key_parameter:
    description: Name of the SSM parameter that holds the private key.
    type: str
    required: true
  instances:
    description: The hosts by name, as module C(survey) returns them (C(id), C(private_address), C(public_address)).
    type: dict
    required: true
  user:
    description: Whom to log in as.
    type: str
    default: admin
  host_keys:
    description: C(console) as above; C(accept-new) trusts the first connection to a host and no other key after it.
    type: str
    choices: [console, accept-new]
    default: console
  timeout:
    description: Seconds to wait for the keys to appear on the consoles.
    type: int
    default: 600
author: [Tandem]
"""

EXAMPLES = r"""
- name: Prepare SSH
  ssh_access:
    directory: .state/tandem-main/ssh
    key_parameter: /tandem/main/ssh/private-key
    instances: "{{ survey_found.instances }}"
"""

RETURN = r"""
config:
  description: The SSH configuration, for C(ssh -F).
  returned: always
  type: str
"""

import os  # noqa: E402
import time  # noqa: E402
from contextlib import suppress  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule  # noqa: E402

with suppress(ImportError):  # AnsibleAWSModule says what is missing
    from botocore.exceptions import BotoCoreError, ClientError

BEGIN, END = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"
INTERVAL = 3  # seconds between two looks at a console


class NoKeysError(RuntimeError):
    """Host keys did not appear; the message says whose."""


def keys_on_console(text: str) -> list[str]:
    """The host keys (type and key) that cloud-init printed last; none while the block is not complete."""
    _, begin, rest = text.rpartition(BEGIN)
    block, end, _ = rest.partition(END)
    if not begin or not end:
        return []
    lines = [line.split() for line in block.splitlines()]
    return [" ".join(words[:2]) for words in lines if len(words) >= 2 and words[0].startswith(("ssh-", "ecdsa-"))]


def console(ec2: Any, instance_id: str) -> str:
    """The console output of now; of some minutes ago for instance types that offer no more."""
    try:
        return ec2.get_console_output(InstanceId=instance_id, Latest=True).get("Output", "")
    except ClientError as error:
        if error.response["Error"]["Code"] != "UnsupportedOperation":
            raise
        return ec2.get_console_output(InstanceId=instance_id).get("Output", "")


def known_hosts(ec2: Any, before: str, instances: dict[str, dict[str, Any]], timeout: float) -> str:
    """known_hosts with the lines of all instances. Those of instances that are gone fall out."""
    ids = {item["id"]: name for name, item in instances.items()}
    lines = {line for line in before.splitlines() if line.split(" ")[0] in ids}
    missing = {instance_id for instance_id in ids if not any(line.startswith(f"{instance_id} ") for line in lines)}
    deadline = time.monotonic() + timeout
    while missing:
        for instance_id in sorted(missing):
            keys = keys_on_console(console(ec2, instance_id))
            if keys:
                lines |= {f"{instance_id} {key}" for key in keys}
                missing.discard(instance_id)
        if missing and time.monotonic() > deadline:
            raise NoKeysError(", ".join(sorted(ids[instance_id] for instance_id in missing)))
        if missing:
            time.sleep(INTERVAL)
    return "".join(f"{line}\n" for line in sorted(lines))


def ssh_config(directory: str, user: str, host_keys: str, instances: dict[str, dict[str, Any]]) -> str:
    """The SSH configuration: one section a host, by name and by address."""
    checking = "accept-new" if host_keys == "accept-new" else "yes"
    # Any frontend that answers is the way in, so that the loss of one leaves no backend out of reach.
    through = " || ".join(
        f'ssh -F "{directory.replace("%", "%%")}/config" -W %h:%p {name}'
        for name, item in sorted(instances.items())
        if item["public_address"]
    )
    sections = [
        "# Written by role access. For people: ssh -F this-file HOST",
    ]
    for name, item in sorted(instances.items()):
        address = item["public_address"] or item["private_address"]
        sections.append(f"Host {name} {address}\n  HostName {address}\n  HostKeyAlias {item['id']}")
        if through and not item["public_address"]:
            sections[-1] += f"\n  ProxyCommand sh -c '{through}'"
    sections.append(
        f"Host *\n  User {user}\n  IdentityFile {directory}/id_ed25519\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {directory}/known_hosts\n  GlobalKnownHostsFile none\n"
        f"  StrictHostKeyChecking {checking}\n  ConnectTimeout 10\n  ServerAliveInterval 5\n  LogLevel ERROR"
    )
    return "\n\n".join(sections) + "\n"


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def write(path: Path, text: str) -> bool:
    """Whether the file changed. It is replaced in one step and never readable by others."""
    if path.exists() and path.read_text() == text and path.stat().st_mode & 0o777 == 0o600:
        return False
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
    return True


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "key_parameter": {"type": "str", "required": True, "no_log": False},
            "instances": {"type": "dict", "required": True},
            "user": {"type": "str", "default": "admin"},
            "host_keys": {
                "type": "str",
                "choices": ["console", "accept-new"],
                "default": "console",
                "no_log": False,
            },
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    params = module.params
    directory = Path(params["directory"])
    config = directory / "config"
    if module.check_mode:
        module.exit_json(changed=not config.exists(), config=str(config))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    instances, mode = params["instances"], params["host_keys"]
    try:
        key = module.client("ssm").get_parameter(Name=params["key_parameter"], WithDecryption=True)
        texts = {
            "id_ed25519": key["Parameter"]["Value"],
            "known_hosts": read(directory / "known_hosts"),
            "config": ssh_config(params["directory"], params["user"], mode, instances),
        }
        if mode == "console":
            texts["known_hosts"] = known_hosts(module.client("ec2"), texts["known_hosts"], instances, params["timeout"])
    except NoKeysError as error:
        module.fail_json(
            msg=f"ssh_host_keys=console: no host keys on the console of {error} after {params['timeout']} s. "
            "AWS keeps a console's last 64 KB: look at EC2, Get system log; or allow -e ssh_host_keys=accept-new, which "
            "trusts the first connection."
        )
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg=f"The SSH key ({params['key_parameter']}) or a host key cannot be fetched")
    changed = [name for name, text in texts.items() if write(directory / name, text)]
    module.exit_json(changed=bool(changed), config=str(config))


if __name__ == "__main__":
    main()
