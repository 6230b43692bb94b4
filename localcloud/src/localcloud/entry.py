"""`localcloud exec`: runs a command inside the simulated internet."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from .aws_environment import of_an_account
from .settings import Settings

ETC = Path("/etc")
# Sockets of the machine's resolvers. glibc asks nscd before it reads nsswitch.conf.
RESOLVERS = (Path("/var/run/nscd"), Path("/run/systemd/resolve"))
PROXIES = {"http_proxy", "https_proxy", "all_proxy"}
TMPFS = ("-t", "tmpfs", "-o", "mode=755", "tmpfs")


class EntryError(RuntimeError):
    """The command cannot be run; the message says why. status: the exit status that a shell would use."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def run(settings: Settings, command: list[str]) -> NoReturn:
    """Replace this process by `command`, so that exit status and signals are the command's own."""
    namespace = os.open(f"/run/netns/{settings.internet_namespace}", os.O_RDONLY | os.O_CLOEXEC)
    os.setns(namespace, os.CLONE_NEWNET)
    os.unshare(os.CLONE_NEWNS)
    _mount("--make-rprivate", "/")
    _resolve_in_the_internet(settings)
    try:
        os.execvpe(command[0], command, environment(settings))  # noqa: S606
    except OSError as error:
        status = 127 if isinstance(error, FileNotFoundError) else 126
        raise EntryError(f"{command[0]}: {error.strerror}", status) from error


def _resolve_in_the_internet(settings: Settings) -> None:
    """Use the simulated internet's name server, however the machine resolves names."""
    hidden = [folder.resolve() for folder in RESOLVERS if folder.is_dir()]
    for folder in hidden:
        _mount(*TMPFS, str(folder))
    own = settings.exec_etc
    own.mkdir(exist_ok=True)
    _mount(*TMPFS, str(own))
    for name, text in (("resolv.conf", settings.resolv_conf.read_text()), ("nsswitch.conf", nsswitch())):
        (own / name).write_text(text, errors="surrogateescape")
        (own / name).chmod(0o644)
    # Unlike bind mounts, an overlay survives replaced files, but it would hide mounts inside /etc.
    if not _mounted_within(ETC) and _can_mount("-t", "overlay", "-o", f"ro,lowerdir={own}:{ETC}", "overlay", str(ETC)):
        return
    for file in own.iterdir():
        place = (ETC / file.name).resolve()
        if place.parent in hidden:
            place.touch()
        if place.exists() or file.name == "resolv.conf":
            _mount("--bind", str(file), str(place))


def nsswitch(file: Path = ETC / "nsswitch.conf") -> str:
    """The machine's nsswitch.conf, with hosts resolved by /etc/hosts and DNS only."""
    lines = file.read_text(errors="surrogateescape").splitlines() if file.is_file() else []
    return "\n".join([*(line for line in lines if not re.match(r"\s*hosts[\s:]", line)), "hosts: files dns", ""])


def _mounted_within(folder: Path) -> bool:
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return any(line.split()[4].startswith(f"{folder}/") for line in mounts)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EntryError(f"cannot set up the command's resolver: {done.stderr.strip()}", 126)


def _can_mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


def environment(settings: Settings) -> dict[str, str]:
    """The caller's environment, changed so that AWS clients talk to this cloud."""
    credentials = json.loads((settings.state_dir / "credentials.json").read_text())
    # The simulated internet has no proxy.
    stale = of_an_account(os.environ) | {name for name in os.environ if name.lower() in PROXIES}
    return {
        **{name: value for name, value in os.environ.items() if name not in stale},
        "AWS_ACCESS_KEY_ID": credentials["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": credentials["secret_access_key"],
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(settings.aws_config),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        # The AWS CLI of this virtual environment finds the plugin in AWS_CONFIG_FILE.
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
        "LOCALCLOUD_NAME": settings.name,
        "LOCALCLOUD_HTTP_PORT": str(settings.http_port),
        "LOCALCLOUD_DB_CA": str(settings.state_dir / "pki" / "ca.pem"),
    }
