"""The base images, built from Debian's packages, so that no image registry is needed."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from .. import locks
from . import mirror, recipes
from .recipes import ALL, Recipe

AMI = recipes.AMI.tag
SERVICE = recipes.SERVICE.tag
SLIM_BASE = recipes.SLIM_BASE.tag

DIGEST_LABEL = "localcloud.recipe"

Say = Callable[[str], None]


class ImageError(RuntimeError):
    """An image could not be built; the message ends with the tool's output."""


def ensure(say: Say) -> None:
    """Build images that are missing or whose recipe has changed, in parallel. Raises ImageError."""
    with locks.held("localcloud-images"):
        source = mirror.of_machine()
        wanted = [recipe for recipe in ALL if _digest_of(recipe.tag) != recipe.digest(source)]
        if not wanted:
            return
        build(wanted, source, say)


def build(wanted: Sequence[Recipe], source: mirror.Mirror, say: Say) -> None:
    """Build images in parallel. Raises ImageError."""
    say(f"building {len(wanted)} base images from {source.archive}: {', '.join(recipe.tag for recipe in wanted)}")
    with ThreadPoolExecutor(len(wanted)) as pool:
        for built in [pool.submit(_build, recipe, source, say) for recipe in wanted]:
            built.result()


def _digest_of(tag: str) -> str:
    """The recipe digest in the label of this image; empty if there is no such image."""
    form = f'{{{{index .Config.Labels "{DIGEST_LABEL}"}}}}'
    return subprocess.run(
        ["docker", "image", "inspect", "--format", form, tag], capture_output=True, text=True, check=False
    ).stdout.strip()


def _build(recipe: Recipe, source: mirror.Mirror, say: Say) -> None:
    began = time.monotonic()
    before = _image_id(recipe.tag)
    changes = [f"CMD {recipe.command}", f"LABEL {DIGEST_LABEL}={recipe.digest(source)}"]
    if recipe.environment:
        changes.append(f"ENV {recipe.environment}")
    with tempfile.TemporaryFile() as messages:
        make = subprocess.Popen(recipe.mmdebstrap(source), stdout=subprocess.PIPE, stderr=messages)
        load = subprocess.run(
            ["docker", "import", *[f"--change={change}" for change in changes], "-"],
            stdin=make.stdout, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if make.wait() != 0:
            messages.seek(0)
            output = "\n".join(messages.read().decode(errors="replace").splitlines()[-15:])
            raise ImageError(f"{recipe.tag} could not be built. Output of mmdebstrap:\n{output}")
    if load.returncode != 0:
        raise ImageError(f"{recipe.tag} could not be imported. Output of docker:\n{load.stderr}")
    # Move the tag last, so that a failed build leaves the old image in place.
    subprocess.run(["docker", "tag", load.stdout.strip(), recipe.tag], check=True)
    if before:
        subprocess.run(["docker", "image", "rm", before], capture_output=True, check=False)  # fails while it is in use
    say(f"built {recipe.tag} in {time.monotonic() - began:.0f} s")


def _image_id(tag: str) -> str:
    return subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Id}}", tag], capture_output=True, text=True, check=False
    ).stdout.strip()


__all__ = ["AMI", "SERVICE", "SLIM_BASE", "ImageError", "ensure"]
