"""Recipes of the base images. A recipe's digest changes with its content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from .mirror import Mirror

SUITE = "trixie"
HERE = Path(__file__).parent
CERTIFICATES = Path("/usr/local/share/ca-certificates")
KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg")
SLIM = (
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("man", "doc", "locale", "info")),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=force-unsafe-io",
)
# PostgreSQL's just-in-time compiler is a third of the image, and not needed.
NO_JIT = ("/usr/lib/*/libLLVM*", "/usr/lib/postgresql/*/lib/llvmjit*", "/usr/lib/postgresql/*/lib/bitcode/*")


@dataclass(frozen=True)
class Recipe:
    """An image. folder: files with a script `customize`, whose $1 is the root directory. leave_out: paths to exclude."""

    tag: str
    packages: tuple[str, ...] = ()
    folder: str | None = None
    command: str = '["bash"]'
    environment: str = ""
    leave_out: tuple[str, ...] = ()

    def files(self) -> list[Path]:
        return sorted(path for path in (HERE / self.folder).iterdir() if path.is_file()) if self.folder else []

    def digest(self, mirror: Mirror) -> str:
        """Hex digest of everything that goes into the image, except package versions."""
        parts = [repr(self), *(word.replace(str(HERE), "") for word in self.mmdebstrap(mirror))]
        contents = [path.read_bytes() for path in [*self.files(), *certificates(mirror)]]
        return hashlib.sha256(b"\0".join([part.encode() for part in parts] + contents)).hexdigest()[:16]

    def mmdebstrap(self, mirror: Mirror) -> list[str]:
        """The command that writes the image's root file system to standard output as tar."""
        packages = [*self.packages, *(["ca-certificates"] if mirror.needs_certificates else [])]
        command = ["mmdebstrap", "--variant=minbase", "--mode=root", '--aptopt=Acquire::Languages "none"', *SLIM]
        if packages:
            command.append(f"--include={','.join(packages)}")
        command += [f"--keyring={keyring}" for keyring in KEYRINGS if Path(keyring).is_file()][:1]
        command += [f"--dpkgopt=path-exclude={pattern}" for pattern in self.leave_out]
        if self.folder:
            command.append(f'--customize-hook=sh {HERE / self.folder}/customize "$1" {HERE / self.folder}')
        if found := certificates(mirror):
            names = " ".join(str(path) for path in found)
            command += [
                f"--customize-hook=copy-in {names} {CERTIFICATES}",
                '--customize-hook=chroot "$1" update-ca-certificates',
            ]
        # Date the empty package lists back, or they would count as fresh for `cache_valid_time`.
        empty = 'find "$1/var/lib/apt/lists" "$1/var/cache/apt" -type f -delete'
        command += ["--skip=cleanup/apt", f'--customize-hook={empty}; touch -d @0 "$1/var/lib/apt/lists"']
        return [*command, SUITE, "-", *mirror.sources(SUITE)]


def certificates(mirror: Mirror) -> list[Path]:
    """The machine's own certificate authorities, if guests need them for the mirror."""
    return sorted(CERTIFICATES.glob("*.crt")) if mirror.needs_certificates else []


AMI = Recipe(
    tag="localcloud/ami:debian-13",
    packages=(
        "systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo", "python3", "python3-apt",
        "iproute2", "iputils-ping", "netbase", "curl", "ca-certificates", "procps", "less", "vim-tiny", "gnupg", "kmod",
        # In Debian's EC2 images too: cloud-init's library, automatic updates, a local resolver.
        "python3-requests", "unattended-upgrades", "systemd-resolved", "xz-utils", "zstd",
    ),
    folder="ami",
    command='["/usr/lib/localcloud/init"]',
    environment="container=docker",
)  # fmt: skip

SERVICE = Recipe(
    tag="localcloud/service:debian-13",
    packages=("haproxy", "postgresql-17", "socat", "iproute2", "openssl", "ca-certificates", "python3-minimal"),
    command='["sleep", "infinity"]',
    leave_out=NO_JIT,
)

SLIM_BASE = Recipe(tag="localcloud/debian:trixie-slim")

ALL = (AMI, SERVICE, SLIM_BASE)
