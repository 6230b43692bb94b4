"""An EC2 instance as a system container: a Debian host that runs systemd."""

from __future__ import annotations

import io
import logging
import tarfile
from contextlib import suppress
from typing import Any, Literal

from docker import APIClient
from docker.errors import APIError, NotFound

from localcloud.contract.topology import Instance
from localcloud.machine import images
from localcloud.settings import Settings

from ..containers import client
from ..network.metadata_paths import Guest, private_domain, private_name
from ..network.routing import resolver_address
from .machine_limits import granted_capabilities

log = logging.getLogger(__name__)

ADMIN = 1000
STOP_SECONDS = 30
CONSOLE_BYTES = 64 * 1024
REBOOT_STATUS = 129
# Readable for tools in the host; not writable, because the machine shares the kernel.
READ_ONLY = [f"/proc/{name}" for name in ("bus", "fs", "irq", "sysrq-trigger")]
READ_ONLY += [f"/proc/sys/{name}" for name in ("kernel", "vm", "fs", "dev")]
MASKED = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"]

State = Literal["missing", "running", "rebooting", "off"]


class Host:
    """The container of an instance. Its network is attached from outside after each start."""

    def __init__(self, settings: Settings, instance_id: str) -> None:
        self.name = settings.container(instance_id)
        self._volume = f"{self.name}-docker"
        self._labels = {settings.label: settings.name}

    @property
    def _docker(self) -> APIClient:
        return client().api

    def state(self) -> State:
        """rebooting: the host stopped itself to start again. off: it was shut down or crashed."""
        found = self._inspect()
        if found is None:
            return "missing"
        if found["Running"]:
            return "running"
        return "rebooting" if found["ExitCode"] == REBOOT_STATUS else "off"

    def pid(self) -> int:
        """The PID of the host's init; 0 while it does not run."""
        found = self._inspect()
        return int(found["Pid"]) if found else 0

    def create(self, guest: Guest) -> None:
        """Create the container, with the public key and user data, but do not start it."""
        instance, name = guest.instance, private_name(guest.instance.region, guest.interface.address)
        self._docker.create_volume(self._volume, labels=self._labels)
        self._docker.create_container(
            images.AMI,
            name=self.name,
            hostname=name.partition(".")[0],
            labels=self._labels,
            tty=True,  # the console
            stop_signal="SIGRTMIN+3",
            host_config=self._host_config(guest, name),
        )
        self._docker.put_archive(self.name, "/", _seed(instance))

    def start(self) -> None:
        """Start the host, which waits for its network interface before it boots."""
        self._docker.start(self.name)

    def stop(self) -> None:
        """Shut the host down; kill it after 30 seconds."""
        with suppress(NotFound):
            self._docker.stop(self.name, timeout=STOP_SECONDS)

    def remove(self) -> None:
        """Remove the host and its disk, if they exist."""
        with suppress(NotFound):
            self._docker.remove_container(self.name, force=True, v=True)
        with suppress(NotFound):
            self._docker.remove_volume(self._volume, force=True)

    def console(self) -> str:
        """The end of the host's console output, over all boots."""
        try:
            printed: bytes = self._docker.logs(self.name, tail=2000)
        except (NotFound, APIError):
            return ""
        return printed[-CONSOLE_BYTES:].decode(errors="replace")

    def _inspect(self) -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = self._docker.inspect_container(self.name)["State"]
        except NotFound:
            return None
        return state

    def _host_config(self, guest: Guest, name: str) -> dict[str, Any]:
        limits: dict[str, Any] = {}
        if _can_limit_memory():
            limits = {"mem_limit": f"{guest.instance.memory_mib}m", "memswap_limit": f"{guest.instance.memory_mib}m"}
        config = self._docker.create_host_config(
            network_mode="none",
            dns=[resolver_address(guest.vpc)],
            dns_search=[private_domain(guest.instance.region)],
            extra_hosts={f"{name} {name.partition('.')[0]}": guest.interface.address},
            cap_drop=["ALL"],
            cap_add=list(granted_capabilities()),
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            cgroupns="private",
            tmpfs={"/run": "", "/run/lock": ""},
            binds={self._volume: {"bind": "/var/lib/docker", "mode": "rw"}},
            log_config={"Type": "json-file", "Config": {"max-size": "1m"}},
            **limits,
        )
        return {**config, "MaskedPaths": MASKED, "ReadonlyPaths": READ_ONLY}


def _can_limit_memory() -> bool:
    return bool(client().info().get("MemoryLimit"))


def _seed(instance: Instance) -> bytes:
    """A tar archive for a new host's disk: the admin user's key and the user data."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        if instance.public_key:
            _put(archive, "home/admin/.ssh", 0o700, ADMIN)
            _put(archive, "home/admin/.ssh/authorized_keys", 0o600, ADMIN, instance.public_key.strip().encode() + b"\n")
        _put(archive, "var/lib/cloud", 0o755, 0)
        _put(archive, "var/lib/cloud/instance", 0o755, 0)
        if instance.user_data:
            _put(archive, "var/lib/cloud/instance/user-data.txt", 0o600, 0, instance.user_data)
    return packed.getvalue()


def _put(archive: tarfile.TarFile, path: str, mode: int, owner: int, content: bytes | None = None) -> None:
    entry = tarfile.TarInfo(path)
    entry.mode, entry.uid, entry.gid = mode, owner, owner
    if content is None:
        entry.type = tarfile.DIRTYPE
        archive.addfile(entry)
    else:
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
