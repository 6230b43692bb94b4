#!/usr/bin/python
"""Ansible module: secrets that are made once and live in SSM Parameter Store alone."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_parameters
short_description: Make secrets once, as SecureString parameters of SSM
description:
  - Makes the secrets that are missing and stores them with C(Overwrite=false), so that of two runs at once one wins
    and both use the same value. A secret is never changed, printed, returned or written to a disk.
  - In place of M(amazon.aws.ec2_key) and M(community.aws.ssm_parameter). A run that is killed between the two leaves a key
    pair whose private key nobody has, and the secret would pass through Ansible's variables.
options:
  path:
    description: Path in Parameter Store below which the secrets lie.
    type: str
    required: true
  secrets:
    description: The secrets.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name below O(path).
        type: str
        required: true
      kind:
        description: C(password) is 32 letters and digits; C(ssh_key) a private Ed25519 key in OpenSSH's format.
        type: str
        choices: [password, ssh_key]
        default: password
  ssh_key_copy:
    description: Where given, a missing C(ssh_key) is not made but put back from this file, because hosts wait for it.
    type: path
  ssh_key_fits:
    description: Public half of what O(ssh_key_copy) must hold, in OpenSSH's format; empty if nobody knows it.
    type: str
    default: ""
  tags:
    description: Tags of new parameters.
    type: dict
    default: {}
extends_documentation_fragment: [amazon.aws.common.modules, amazon.aws.region.modules, amazon.aws.boto3]
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Make the database's password
  tandem.platform.secret_parameters:
    path: /tandem/main
    secrets:
      - name: database/master-password
"""

RETURN = r"""
public_keys:
  description: Public half of each SSH key, by the secret's name. Empty in check mode where the key does not exist.
  returned: always
  type: dict
created:
  description: Names of the secrets that were made.
  returned: always
  type: list
  elements: str
"""

import secrets as randomness
import string
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import path_problem

try:
    from botocore.exceptions import BotoCoreError, ClientError
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
except ImportError:
    pass  # preflight names what is missing.

ALPHABET = string.ascii_letters + string.digits  # no character that a connection string or a shell would need quoted
PASSWORD_LENGTH = 32


def new_password() -> str:
    return "".join(randomness.choice(ALPHABET) for _dummy in range(PASSWORD_LENGTH))


def new_ssh_key() -> str:
    """A private Ed25519 key as OpenSSH writes it."""
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
        .decode()
    )


def public_half(private_key: str) -> str:
    """`ssh-ed25519 …` of a private key in OpenSSH's format."""
    public = serialization.load_ssh_private_key(private_key.encode(), None).public_key()
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


class NoCopyError(RuntimeError):
    """A lost SSH key cannot be put back; the message says why, in words."""


def copied(path: str, fits: str) -> str:
    """The private key in this machine's copy. Raises NoCopyError unless it is the one whose public half this is."""
    try:
        key = Path(path).read_text()
        public = public_half(key)
    except OSError as error:
        raise NoCopyError(f"{path} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise NoCopyError(f"{path} holds no private key") from error
    if fits and public.split()[:2] != fits.split()[:2]:
        raise NoCopyError(f"{path} is another key than that of the hosts")
    return key


MAKERS = {"password": new_password, "ssh_key": new_ssh_key}


def stored(ssm: Any, name: str) -> str | None:
    """The value of a parameter; None where there is none."""
    try:
        return ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None


def ensure(
    ssm: Any,
    name: str,
    kind: str,
    tags: dict[str, str],
    check_mode: bool,
    maker: Callable[[], str] | None = None,
) -> tuple[str | None, bool]:
    """(value, whether it was made now). In check mode nothing is stored and the value of a missing secret is None."""
    value = stored(ssm, name)
    if value is not None:
        return value, False
    made = (maker or MAKERS[kind])()
    if check_mode:
        return None, True
    try:
        ssm.put_parameter(
            Name=name,
            Value=made,
            Type="SecureString",
            Overwrite=False,
            Tags=[{"Key": key, "Value": tag} for key, tag in tags.items()],
        )
    except ssm.exceptions.ParameterAlreadyExists:  # another run was first, or our own lost try
        return stored(ssm, name), False
    return made, True


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "path": {"type": "str", "required": True},
            "secrets": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "no_log": False,
                "options": {
                    "name": {"type": "str", "required": True},
                    "kind": {"type": "str", "choices": ["password", "ssh_key"], "default": "password"},
                },
            },
            "ssh_key_copy": {"type": "path", "no_log": False},
            "ssh_key_fits": {"type": "str", "default": "", "no_log": False},
            "tags": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    if wrong := path_problem(module.params["path"]):
        module.fail_json(msg=wrong)
    ssm = module.client("ssm")
    created, public_keys = [], {}
    copy, fits = module.params["ssh_key_copy"], module.params["ssh_key_fits"]
    try:
        for secret in module.params["secrets"]:
            name = f"{module.params['path']}/{secret['name']}"
            maker = partial(copied, copy, fits) if copy and secret["kind"] == "ssh_key" else None
            value, made = ensure(ssm, name, secret["kind"], module.params["tags"], module.check_mode, maker)
            if made:
                created.append(secret["name"])
            if secret["kind"] == "ssh_key" and value:
                public_keys[secret["name"]] = public_half(value)
    except NoCopyError as error:
        module.fail_json(
            msg=f"Lost: {name}, and {error}. Nothing has been made. Run site.yml on a machine that has reached the hosts: "
            "it puts the key back. If there is none, replace the hosts: docs/releases.md, What was lost."
        )
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg=f"A secret below {module.params['path']} cannot be made")
    module.exit_json(changed=bool(created), created=created, public_keys=public_keys)


if __name__ == "__main__":
    main()
