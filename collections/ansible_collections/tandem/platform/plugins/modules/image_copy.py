#!/usr/bin/python
"""Copy a Docker image to a host as one compressed stream; nothing is stored on the way."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_copy
short_description: Copy a Docker image to a host over SSH
description:
  - Runs on the machine that has the image, or that reaches a host that has it, and pipes C(docker save) into C(docker load).
  - From this machine, layers that the host has already are left out. Of a new release of an application that is nearly
    everything, so no registry is needed.
  - In place of M(community.docker.docker_image_export) and M(community.docker.docker_image_load), which write the whole image
    to a file on both machines, 44 MB a host instead of 27 KB for a new release.
options:
  image: {description: Name of the image., type: str, required: true}
  host: {description: SSH command of the host., type: list, elements: str, required: true}
  source:
    description: SSH command of a host that has the image. Without it, this machine's image is sent.
    type: list
    elements: str
    default: []
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Send this machine's image to a host
  tandem.platform.image_copy:
    image: tandem/backend:0123456789abcdef
    host: [ssh, -F, .state/tandem-main/ssh/config, backend-1]
  delegate_to: localhost
"""

RETURN = r"""
left_out: {description: How many layers the host had already., type: int, returned: always}
"""

import contextlib
import hashlib
import itertools
import shutil
import subprocess
import tarfile
import tempfile
from typing import IO, cast

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tandem.platform.plugins.module_utils.programs import run, start

LAYERS = '{{join .RootFS.Layers " "}}'
PACK = ["zstd", "-3", "-q"]
LOAD = "if command -v zstd >/dev/null; then zstd -dcfq; else cat; fi | sudo docker load -q >/dev/null"
IN_MEMORY = 1 << 20  # bytes of a file of the image, before it goes through a temporary file


class CopyError(RuntimeError):
    """The image did not arrive; the message says why."""


def copy(image: str, host: list[str], source: list[str]) -> int:
    """Copy the image, from a host that has it or from this machine. Returns how many layers were left out."""
    if source:
        relay(image, source, host)
        return 0
    here = words(["docker", "image", "inspect", "--format", LAYERS, image])
    if not here:
        raise gone(image, "this machine")
    known = known_layers(here[0], host)
    try:
        send(image, host, known)
    except CopyError:
        # Some Docker versions insist on every layer.
        if not known:
            raise
        known = set()
        send(image, host, known)
    return len(known)


def gone(image: str, place: str) -> CopyError:
    return CopyError(
        f"{image} is no longer on {place}: run the same command again, which builds it where it is nowhere"
    )


def relay(image: str, source: list[str], host: list[str]) -> None:
    """From one host to another, as it is."""
    if not words([*source, f"sudo docker image inspect --format '{LAYERS}' {image}"]):
        raise gone(image, "the host that had it")
    with tempfile.TemporaryFile() as said:
        save = start([*source, f"sudo docker save {image} | {' '.join(PACK)}"], said, stdout=subprocess.PIPE)
        load = start([*host, LOAD], said, stdin=save.stdout)
        pipe(save.stdout).close()
        finish(said, save, load)


def pipe(end: IO[bytes] | None) -> IO[bytes]:
    """The end of a pipe that a program was started with."""
    return cast("IO[bytes]", end)


def finish(said: IO[bytes], *programs: subprocess.Popen[bytes]) -> None:
    """Wait for the programs of a pipe, which write what goes wrong to one file."""
    statuses = [program.wait() for program in programs]
    if any(statuses):
        said.seek(0)
        raise CopyError(said.read().decode(errors="replace").strip() or "the connection ended")


def known_layers(wanted: list[str], target: list[str]) -> set[str]:
    """The image's layers that the host has, each on the same layers below. A layer: its content's SHA-256 (`sha256:…`)."""
    there = words([*target, f"sudo docker image ls -q | xargs -r sudo docker image inspect --format '{LAYERS}'"])
    known = max((shared(wanted, layers) for layers in there), key=len, default=[])
    # A layer that comes again further up, such as an empty one, is needed there.
    return set(known) - set(wanted[len(known) :])


def words(command: list[str]) -> list[list[str]]:
    """What a command says, by lines. Nothing if it fails."""
    done = run(command)
    return [line.split() for line in done.stdout.splitlines()] if done.returncode == 0 else []


def shared(one: list[str], other: list[str]) -> list[str]:
    """What both lists begin with."""
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return [layer for layer, _dummy in pairs]


def send(image: str, host: list[str], known: set[str]) -> None:
    """From this machine, without the known layers."""
    with tempfile.TemporaryFile() as said:
        save = start(["docker", "save", image], said, stdout=subprocess.PIPE)
        pack = start(PACK if shutil.which("zstd") else ["cat"], said, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        load = start([*host, LOAD], said, stdin=pack.stdout)
        pipe(pack.stdout).close()
        # A program that ends early says why.
        with contextlib.suppress(BrokenPipeError, tarfile.ReadError), pipe(pack.stdin) as lean:
            leave_out(known, pipe(save.stdout), lean)
        pipe(save.stdout).close()
        finish(said, load, pack, save)


def leave_out(known: set[str], image: IO[bytes], lean: IO[bytes]) -> None:
    """Copy an archive of `docker save`, in whichever layout, without the files whose content is a known layer."""
    if not known:
        shutil.copyfileobj(image, lean, IN_MEMORY)
        return
    with tarfile.open(fileobj=image, mode="r|") as files, tarfile.open(fileobj=lean, mode="w|") as kept:
        for entry in files:
            content = files.extractfile(entry) if entry.isreg() else None
            if not content:
                kept.addfile(entry)
                continue
            with tempfile.SpooledTemporaryFile(IN_MEMORY) as copy:
                shutil.copyfileobj(content, copy, IN_MEMORY)
                copy.seek(0)
                if f"sha256:{hashlib.file_digest(copy, 'sha256').hexdigest()}" not in known:  # type: ignore[arg-type]
                    copy.seek(0)
                    kept.addfile(entry, copy)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "image": {"type": "str", "required": True},
            "host": {"type": "list", "elements": "str", "required": True},
            "source": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        left_out = 0 if module.check_mode else copy(**module.params)
    except (CopyError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, left_out=left_out)


if __name__ == "__main__":
    main()
