"""Role images sends a host only what it lacks of an image."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest

from tests.support.plugins import load

BASE, LIBRARIES, APPLICATION = b"base" * 1000, b"libraries" * 1000, b"application"

ship = load("roles/images/files/ship.py")


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
    ship.leave_out(known, archive(), lean)
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
    monkeypatch.setattr(ship, "words", lambda command: [line.split() for line in there])
    assert ship.known_layers(wanted, ["ssh"]) == known
