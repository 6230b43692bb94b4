"""The machine's Debian mirror, for building images and for hosts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

APT = Path("/etc/apt")
DEFAULT_ARCHIVE = "http://deb.debian.org/debian"
DEFAULT_SECURITY = "http://deb.debian.org/debian-security"


@dataclass(frozen=True)
class Mirror:
    """URIs without a trailing slash: the archive (…/debian) and the security archive (…/debian-security)."""

    archive: str
    security: str

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names in the URIs."""
        return tuple(sorted({urlsplit(uri).hostname or "" for uri in (self.archive, self.security)}))

    @property
    def needs_certificates(self) -> bool:
        """Whether a guest must verify TLS certificates to read from the mirror."""
        return any(urlsplit(uri).scheme == "https" for uri in (self.archive, self.security))

    def sources(self, suite: str) -> list[str]:
        """Lines of /etc/apt/sources.list for a suite, for example trixie."""
        return [
            f"deb {self.archive} {suite} main",
            f"deb {self.archive} {suite}-updates main",
            f"deb {self.security} {suite}-security main",
        ]


def of_machine(apt: Path = APT) -> Mirror:
    """The Debian URIs in the machine's apt sources, or by default (Ubuntu, Fedora) Debian's own."""
    uris = _uris(apt)
    return Mirror(
        archive=next((uri for uri in uris if uri.endswith("/debian")), DEFAULT_ARCHIVE),
        security=next((uri for uri in uris if uri.endswith("/debian-security")), DEFAULT_SECURITY),
    )


def _uris(apt: Path) -> list[str]:
    """All http(s) URIs in the apt sources, in both formats, in file order."""
    files = [
        apt / "sources.list",
        *sorted(apt.glob("sources.list.d/*.list")),
        *sorted(apt.glob("sources.list.d/*.sources")),
    ]
    found = []
    for file in files:
        if file.is_file():
            for line in file.read_text(errors="replace").splitlines():
                if re.match(r"\s*(deb\s|uris:)", line, re.IGNORECASE):
                    found += re.findall(r"https?://\S+", line)
    return [uri.rstrip("/") for uri in found]
