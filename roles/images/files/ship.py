"""Copy a Docker image to a host as one compressed stream; nothing is stored on the way.

    python ship.py IMAGE [SSH COMMAND OF A HOST THAT HAS IT --] SSH COMMAND OF THE HOST

Before `--` stands the source; without `--` it is this machine. From this machine, layers that the host has already are left out:
of a new release of an application that is nearly everything.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import shutil
import subprocess
import sys
import tarfile
import tempfile
from typing import IO

LAYERS = '{{join .RootFS.Layers " "}}'
PACK = ["zstd", "-3", "-q"]
LOAD = "if command -v zstd >/dev/null; then zstd -dcfq; else cat; fi | sudo docker load -q"
IN_MEMORY = 1 << 20  # bytes of a file of the image, before it goes through a temporary file


def main() -> None:
    image, source, target = read_arguments(sys.argv[1:])
    if source:
        sys.exit(relay(image, source, target))
    here = words(["docker", "image", "inspect", "--format", LAYERS, image])
    if not here:
        gone(image, "this machine")
    known = known_layers(here[0], target)
    status = send(image, target, known)
    if status and known:
        print("the host's Docker insists on every layer: sending the whole image", file=sys.stderr)
        status = send(image, target, set())
    sys.exit(status)


def read_arguments(words: list[str]) -> tuple[str, list[str], list[str]]:
    """(image, SSH command of the source or nothing, SSH command of the target)"""
    image, *rest = words
    place = rest.index("--") if "--" in rest else -1
    return image, rest[: max(place, 0)], rest[place + 1 :]


def gone(image: str, place: str) -> None:
    sys.exit(f"{image} is no longer on {place}: run the same command again, which builds it where it is nowhere")


def relay(image: str, source: list[str], target: list[str]) -> int:
    """From one host to another, as it is."""
    if subprocess.run([*source, f"sudo docker image inspect {image} >/dev/null"], check=False).returncode:
        gone(image, "the host that had it")
    save = subprocess.Popen([*source, f"sudo docker save {image} | {' '.join(PACK)}"], stdout=subprocess.PIPE)
    load = subprocess.run([*target, LOAD], stdin=save.stdout, check=False)
    return save.wait() or load.returncode


def known_layers(wanted: list[str], target: list[str]) -> set[str]:
    """The image's layers that the host has, each on the same layers below. A layer: its content's SHA-256 (`sha256:…`)."""
    there = words([*target, f"sudo docker image ls -q | xargs -r sudo docker image inspect --format '{LAYERS}'"])
    known = max((shared(wanted, layers) for layers in there), key=len, default=[])
    # A layer that comes again further up, such as an empty one, is needed there.
    return set(known) - set(wanted[len(known) :])


def words(command: list[str]) -> list[list[str]]:
    """What a command says, by lines. Nothing if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line.split() for line in done.stdout.splitlines()] if done.returncode == 0 else []


def shared(one: list[str], other: list[str]) -> list[str]:
    """What both lists begin with."""
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return [layer for layer, _ in pairs]


def send(image: str, target: list[str], known: set[str]) -> int:
    """From this machine, without the known layers. Returns the first status of the three programs that is not 0."""
    save = subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE)
    pack = subprocess.Popen(PACK if shutil.which("zstd") else ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    load = subprocess.Popen([*target, LOAD], stdin=pack.stdout)
    pack.stdout.close()
    # What one of the three says when it ends early is the message, and its status the result.
    with contextlib.suppress(BrokenPipeError, tarfile.ReadError), pack.stdin:
        leave_out(known, save.stdout, pack.stdin)
    save.stdout.close()
    return load.wait() or pack.wait() or save.wait()


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


if __name__ == "__main__":
    main()
