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
  - A host's keys that this machine has met once count. Where the parameter holds others for the host, nothing is written.
  - Hosts without a public address are reached through the first host with one that answers.
  - In place of M(ansible.builtin.known_hosts), which writes keys that one has. No module reads them from the console, so the
    first connection would trust whoever answers.
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
    description: The hosts by name, as M(tandem.platform.survey) returns them (C(id), C(private_address), C(public_address)). It
      vouches for them being the deployment's own.
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
extends_documentation_fragment: [amazon.aws.common.modules, amazon.aws.region.modules, amazon.aws.boto3]
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Prepare SSH
  tandem.platform.ssh_access:
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
known_hosts_lost:
  description: Whether O(known_hosts_parameter) is gone, though this machine has met hosts of which it held the keys.
  returned: always
  type: bool
"""

import os
import re
import shlex
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.tandem.platform.plugins.module_utils.look import shown

try:
    from botocore.exceptions import BotoCoreError, ClientError
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key
except ImportError:
    pass  # AnsibleAWSModule says that botocore is missing.

KEY = re.compile(r"((?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]+={0,2})(?: .*)?")
KNOWN = re.compile(r"(i-[0-9a-f]{8,17}) (.*)")
USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
BEGIN = "-----BEGIN SSH HOST KEY KEYS-----"
END = "-----END SSH HOST KEY KEYS-----"
INTERVAL = 3  # seconds between two looks at a console
PREFERRED = "ssh-ed25519"  # one key a host is enough, and a parameter holds 4 KB


class NoSecretError(RuntimeError):
    """The private key is not there, or is none; the message says where, and which of the two."""


class OtherKeysError(RuntimeError):
    """The parameter holds other keys of a host than this machine knows; the message says whose."""


class NoKeysError(RuntimeError):
    """Host keys did not appear; the message says whose."""


def host_key(text: str) -> str:
    """Type and key at the text's beginning; empty where it is not a whole key of the type that it names."""
    found = KEY.fullmatch(text)
    with suppress(ValueError, UnsupportedAlgorithm):
        if found and load_ssh_public_key(found[1].encode()):
            return found[1]
    return ""


def keys_on_console(text: str) -> list[str]:
    """The host keys (type and key) that cloud-init printed last, of the preferred type where there is one.

    None while the block is not complete. A key into which the kernel wrote a line of its own is none.
    """
    _before, begin, rest = text.rpartition(BEGIN)
    block, end, _after = rest.partition(END)
    if not begin or not end:
        return []
    keys = [key for key in map(host_key, map(str.strip, block.splitlines())) if key]
    return [key for key in keys if key.startswith(PREFERRED)] or keys


def console(ec2: Any, instance_id: str) -> str:
    """The console output of now; of some minutes ago for instance types that offer no more."""
    try:
        return ec2.get_console_output(InstanceId=instance_id, Latest=True).get("Output", "")
    except ClientError as error:
        if error.response["Error"]["Code"] != "UnsupportedOperation":
            raise
        return ec2.get_console_output(InstanceId=instance_id).get("Output", "")


def by_instance(text: str) -> tuple[dict[str, set[str]], list[str]]:
    """(the lines of a known_hosts by instance ID, those that are none of this module's)"""
    lines: dict[str, set[str]] = {}
    strange = []
    for line in filter(None, text.split("\n")):
        known = KNOWN.fullmatch(line)
        if known and (key := host_key(known[2])):
            lines.setdefault(known[1], set()).add(f"{known[1]} {key}")
        else:
            strange.append(line)
    return lines, strange


def merged(here: dict[str, set[str]], kept: dict[str, set[str]], names: dict[str, str]) -> dict[str, set[str]]:
    """What this machine knows, and what is kept of the hosts that it has not met. names: by instance ID."""
    others = [f"{names[i]} ({i})" for i in names.keys() & here.keys() & kept.keys() if not kept[i] <= here[i]]
    if others:
        raise OtherKeysError(", ".join(sorted(others)))
    return kept | here


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


def quoted(path: str) -> str:
    """A path as one word of an SSH configuration."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def ssh_config(directory: str, user: str, host_keys: str, instances: dict[str, dict[str, Any]]) -> str:
    """The SSH configuration: one section a host, by name and by address."""
    checking = "accept-new" if host_keys == "accept-new" else "yes"
    config = shlex.quote(f"{directory}/config").replace("%", "%%")
    # Any frontend that answers is the way in, so that the loss of one leaves no backend out of reach.
    through = " || ".join(
        f"ssh -F {config} -W %h:%p {name}" for name, item in sorted(instances.items()) if item["public_address"]
    )
    sections = [
        "# Written by role access. For people: ssh -F this-file HOST",
    ]
    for name, item in sorted(instances.items()):
        address = item["public_address"] or item["private_address"]
        sections.append(f"Host {name} {address}\n  HostName {address}\n  HostKeyAlias {item['id']}")
        way = f"sh -c {shlex.quote(through)}" if through and not item["public_address"] else "none"
        sections[-1] += f"\n  ProxyCommand {way}"
    sections.append(
        f"Host *\n  User {user}\n  IdentityFile {quoted(f'{directory}/id_ed25519')}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {quoted(f'{directory}/known_hosts')}\n  GlobalKnownHostsFile none\n"
        # A name that stands above has a way already; no other is looked up anywhere.
        "  ProxyCommand echo This machine knows no such host of the environment: run playbooks/access.yml >&2; exit 1\n"
        f"  StrictHostKeyChecking {checking}\n  ConnectTimeout 10\n  ServerAliveInterval 5\n  LogLevel ERROR"
    )
    return "\n\n".join(sections) + "\n"


def parameters(ssm: Any, key: str, known_hosts: str) -> tuple[str, str]:
    """(the private key, the hosts' keys that were kept, empty where none were)."""
    found = ssm.get_parameters(Names=[key, known_hosts], WithDecryption=True)["Parameters"]
    values = {parameter["Name"]: parameter["Value"] for parameter in found}
    if key not in values:
        raise NoSecretError(f"{key} is not in SSM. Role secrets makes it: run site.yml")
    try:
        load_ssh_private_key(values[key].encode(), None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        former = "put its former version back (aws ssm get-parameter-history)"
        raise NoSecretError(f"{key} holds no private SSH key. Somebody changed it: {former}") from error
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
    if re.search(r"[\x00-\x1f\x7f]|\$\{", params["directory"]):
        module.fail_json(
            msg=f"directory={shown(params['directory'], 300)}: SSH reads no path with a control character or ${{ in it. "
            "Move the checkout."
        )
    if not USER.fullmatch(params["user"]):
        module.fail_json(msg=f"user={shown(params['user'])}: want a user's name on the hosts ({USER.pattern})")
    if module.check_mode:
        module.exit_json(
            changed=not config.exists(),
            config=str(config),
            known_hosts="",
            known_hosts_kept=True,
            known_hosts_lost=False,
        )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    instances, mode, lost = params["instances"], params["host_keys"], False
    try:
        key, kept = parameters(module.client("ssm"), params["key_parameter"], params["known_hosts_parameter"])
        texts = {
            "id_ed25519": key,
            "known_hosts": read(directory / "known_hosts"),
            "config": ssh_config(params["directory"], params["user"], mode, instances),
        }
        if mode == "console":
            stored, strange = by_instance(kept)
            if strange:
                module.warn(
                    f"Left out, for they are no host keys by instance ID: {len(strange)} lines of the SSM parameter "
                    f"{params['known_hosts_parameter']}: {'; '.join(map(shown, strange))}"
                )
            names = {item["id"]: name for name, item in instances.items()}
            here = by_instance(texts["known_hosts"])[0]
            lost = not kept and not names.keys().isdisjoint(here)
            before = merged(here, stored, names)
            texts["known_hosts"] = known_hosts(module.client("ec2"), before, instances, params["timeout"])
    except NoSecretError as error:
        module.fail_json(msg=f"The SSH key: {error}")
    except OtherKeysError as error:
        module.fail_json(
            msg=f"The SSM parameter {params['known_hosts_parameter']} holds other keys of {error} than "
            f"{directory}/known_hosts, so nothing was written. An instance keeps its keys for life (a host that replaces "
            "it is another instance): somebody has changed the parameter, or made new keys on the host. If the "
            f"parameter is wrong, delete it; playbooks/provision.yml writes it again. If the host has new keys, forget "
            f"the old ones: ssh-keygen -R INSTANCE-ID -f {shlex.quote(f'{directory}/known_hosts')}, and run this again."
        )
    except NoKeysError as error:
        module.fail_json(
            msg=f"ssh_host_keys=console: no whole host keys on the console of {error} after {params['timeout']} s. "
            "AWS keeps a console's last 64 KB: look at EC2, Get system log; or allow -e ssh_host_keys=accept-new, which "
            "trusts the first connection."
        )
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg=f"The SSH key ({params['key_parameter']}) or a host key cannot be fetched")
    changed = [name for name, text in texts.items() if write(directory / name, text)]
    vouched = texts["known_hosts"] if mode == "console" else ""
    module.exit_json(
        changed=bool(changed),
        config=str(config),
        known_hosts=vouched,
        known_hosts_kept=vouched in ("", kept),
        known_hosts_lost=lost,
    )


if __name__ == "__main__":
    main()
