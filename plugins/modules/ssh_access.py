#!/usr/bin/python
"""Ansible module: what an operator's machine needs to reach an environment's hosts by SSH."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssh_access
short_description: Prepare SSH to an environment's hosts
description:
  - Writes the private key (from SSM), the host keys and an SSH configuration into a folder of the operator's machine.
  - Host keys are read from an SSM parameter where they were kept, else from the instances' console output, where
    cloud-init prints them at the first boot. Both come over the AWS API, so the first connection is already checked. A
    host's alias in C(known_hosts) is its instance ID, hence a new host in an old one's place is neither refused nor
    mistaken for it.
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
  known_hosts_parameter:
    description: Name of the SSM parameter that holds the hosts' keys, or will. It is read, not written.
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
    known_hosts_parameter: /tandem/main/ssh/known-hosts
    instances: "{{ survey_found.instances }}"
"""

RETURN = r"""
config:
  description: The SSH configuration, for C(ssh -F).
  returned: always
  type: str
known_hosts:
  description: The hosts' keys, as C(known_hosts) has them. Empty in check mode and with C(accept-new), which vouches for none.
  returned: always
  type: str
known_hosts_kept:
  description: Whether O(known_hosts_parameter) holds the same.
  returned: always
  type: bool
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
PREFERRED = "ssh-ed25519"  # one key a host is enough, and a parameter holds 4 KB


class NoSecretError(RuntimeError):
    """The private key is not there; the message is its parameter's name."""


class NoKeysError(RuntimeError):
    """Host keys did not appear; the message says whose."""


def keys_on_console(text: str) -> list[str]:
    """The host keys (type and key) that cloud-init printed last, of the preferred type where there is one.

    None while the block is not complete.
    """
    _, begin, rest = text.rpartition(BEGIN)
    block, end, _ = rest.partition(END)
    if not begin or not end:
        return []
    lines = [line.split() for line in block.splitlines()]
    keys = [" ".join(words[:2]) for words in lines if len(words) >= 2 and words[0].startswith(("ssh-", "ecdsa-"))]
    return [key for key in keys if key.startswith(PREFERRED)] or keys


def console(ec2: Any, instance_id: str) -> str:
    """The console output of now; of some minutes ago for instance types that offer no more."""
    try:
        return ec2.get_console_output(InstanceId=instance_id, Latest=True).get("Output", "")
    except ClientError as error:
        if error.response["Error"]["Code"] != "UnsupportedOperation":
            raise
        return ec2.get_console_output(InstanceId=instance_id).get("Output", "")


def by_instance(text: str) -> dict[str, set[str]]:
    """The lines of a known_hosts, by instance ID."""
    lines: dict[str, set[str]] = {}
    for line in text.splitlines():
        lines.setdefault(line.partition(" ")[0], set()).add(line)
    return lines


def known_hosts(ec2: Any, before: dict[str, set[str]], instances: dict[str, dict[str, Any]], timeout: float) -> str:
    """known_hosts with the lines of all instances: those known before, and what the consoles of the others show.

    Lines of instances that are gone fall out.
    """
    ids = {item["id"]: name for name, item in instances.items()}
    lines = {line for instance_id in ids for line in before.get(instance_id, ())}
    missing = ids.keys() - before.keys()
    deadline = time.monotonic() + timeout
    while missing:
        for instance_id in sorted(missing):
            keys = keys_on_console(console(ec2, instance_id))
            if keys:
                lines |= {f"{instance_id} {key}" for key in keys}
                missing = missing - {instance_id}
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


def parameters(ssm: Any, key: str, known_hosts: str) -> tuple[str, str]:
    """(the private key, the hosts' keys that were kept, empty where none were)."""
    found = ssm.get_parameters(Names=[key, known_hosts], WithDecryption=True)["Parameters"]
    values = {parameter["Name"]: parameter["Value"] for parameter in found}
    if key not in values:
        raise NoSecretError(key)
    return values[key], values.get(known_hosts, "")


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
            "known_hosts_parameter": {"type": "str", "required": True, "no_log": False},
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
        module.exit_json(changed=not config.exists(), config=str(config), known_hosts="", known_hosts_kept=True)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    instances, mode = params["instances"], params["host_keys"]
    try:
        key, kept = parameters(module.client("ssm"), params["key_parameter"], params["known_hosts_parameter"])
        texts = {
            "id_ed25519": key,
            "known_hosts": read(directory / "known_hosts"),
            "config": ssh_config(params["directory"], params["user"], mode, instances),
        }
        if mode == "console":
            before = by_instance(texts["known_hosts"]) | by_instance(kept)
            texts["known_hosts"] = known_hosts(module.client("ec2"), before, instances, params["timeout"])
    except NoSecretError as error:
        module.fail_json(msg=f"The SSH key ({error}) is not in SSM. Role secrets makes it: run site.yml")
    except NoKeysError as error:
        module.fail_json(
            msg=f"ssh_host_keys=console: no host keys on the console of {error} after {params['timeout']} s. "
            "AWS keeps a console's last 64 KB: look at EC2, Get system log; or allow -e ssh_host_keys=accept-new, which "
            "trusts the first connection."
        )
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg=f"The SSH key ({params['key_parameter']}) or a host key cannot be fetched")
    changed = [name for name, text in texts.items() if write(directory / name, text)]
    vouched = texts["known_hosts"] if mode == "console" else ""
    module.exit_json(
        changed=bool(changed), config=str(config), known_hosts=vouched, known_hosts_kept=vouched in ("", kept)
    )


if __name__ == "__main__":
    main()
