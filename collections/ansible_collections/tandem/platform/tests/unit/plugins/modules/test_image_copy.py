"""Role images sends a host only what it lacks of an image."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from ansible_collections.tandem.platform.plugins.modules import image_copy

from .helpers import fake_docker

BASE, LIBRARIES, APPLICATION = b"base" * 1000, b"libraries" * 1000, b"application"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def archive() -> io.BytesIO:
    """What `docker save` writes: layers under names that do not tell which they are, one twice as a link."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as files:
        for name, content in {"a/layer.tar": BASE, "b/layer.tar": LIBRARIES, "c/layer.tar": APPLICATION}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            files.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("d/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../c/layer.tar"
        files.addfile(link)
    written.seek(0)
    return written


def sent(known: set[str]) -> dict[str, bytes]:
    lean = io.BytesIO()
    image_copy.leave_out(known, archive(), lean)
    lean.seek(0)
    with tarfile.open(fileobj=lean) as files:
        return {
            entry.name: file.read() if entry.isreg() and (file := files.extractfile(entry)) else entry.linkname.encode()
            for entry in files
        }


def test_known_layers_are_left_out_and_all_else_is_sent_as_it_is() -> None:
    rest = {"c/layer.tar": APPLICATION, "d/layer.tar": b"../c/layer.tar"}
    assert sent({digest(BASE), digest(LIBRARIES)}) == rest
    assert sent(set()) == {"a/layer.tar": BASE, "b/layer.tar": LIBRARIES, **rest}


@pytest.mark.parametrize(
    ("there", "known"),
    [
        ([], set()),
        (["base libraries old"], {"base", "libraries"}),
        (["base other", "base libraries", "other libraries application"], {"base", "libraries"}),
        # The same layer on other layers is another one to Docker.
        (["other libraries application"], set()),
        # It comes again on top, where the host does not have it.
        (["base libraries empty"], {"base", "libraries"}),
    ],
)
def test_a_layer_is_known_on_the_same_layers_only(
    there: list[str], known: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ["base", "libraries", "empty", "application", "empty"]
    monkeypatch.setattr(image_copy, "words", lambda command: [line.split() for line in there])
    assert image_copy.known_layers(wanted, ["ssh"]) == known


def host(load: str) -> list[str]:
    """The SSH command of a host that has the layer `base`, and on which this shell script takes an image."""
    return ["sh", "-c", f'case "$1" in *inspect*) echo sha256:base ;; *) {load} ;; esac', "ssh"]


ENDLESS = host("yes")
FULL = host("echo no space left on device >&2; exit 1")


@pytest.mark.timeout(60)
def test_a_host_that_takes_no_image_ends_the_copy_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(image_copy.CopyError, match="no space left on device"):
        image_copy.copy("tandem/backend:1", FULL, source=ENDLESS)
    fake_docker(tmp_path, "case $1 in image) echo sha256:application ;; *) yes ;; esac")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(image_copy.CopyError, match="no space left on device"):
        image_copy.copy("tandem/backend:1", FULL, source=[])


def test_an_image_that_is_gone_is_built_by_the_same_command_again() -> None:
    with pytest.raises(image_copy.CopyError, match="no longer on the host that had it: run the same command again"):
        image_copy.copy("tandem/backend:1", host("true"), source=["false"])


def test_a_host_that_insists_on_every_layer_gets_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tmp_path / "image.tar"
    whole.write_bytes(archive().getvalue())
    fake_docker(tmp_path, f"case $1 in image) echo sha256:base sha256:other ;; *) cat {whole} ;; esac")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(image_copy, "PACK", ["cat"])
    came = tmp_path / "came"
    insists = host(f"cat >>{came}; echo >>{tmp_path}/tries; test $(wc -l <{tmp_path}/tries) = 2")
    assert image_copy.copy("tandem/backend:1", insists, source=[]) == 0
    assert came.read_bytes().endswith(whole.read_bytes())
    assert image_copy.copy("tandem/backend:1", host("cat >/dev/null"), source=[]) == 1
