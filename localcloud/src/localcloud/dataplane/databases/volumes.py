"""Volumes with PostgreSQL's data: new clusters, snapshots of running databases, and copies of snapshots."""

from __future__ import annotations

import hashlib
import subprocess
import threading

from docker.errors import NotFound

from localcloud.machine.images import SERVICE
from localcloud.settings import Settings

from ..containers import COMMAND_SECONDS, ServiceContainer, ServiceError, client
from . import postgres

MOUNT = "/data"
DATA = f"{MOUNT}/pgdata"
EMPTY = f"install -d -o postgres -g postgres -m 700 {DATA}"
INITDB = (
    f"{EMPTY} && exec runuser -u postgres -- {postgres.PROGRAMS}/initdb -D {DATA} -U {postgres.SUPERUSER} "
    "--auth=reject --encoding=UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C.UTF-8 "
    "--data-checksums --no-sync"
)


class Volumes:
    """The cloud's Docker volumes. Temporary containers work on them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._labels = {settings.label: settings.name}
        self._helper = ServiceContainer(settings, "volumes")
        self._lock = threading.Lock()
        self._user: int | None = None

    def postgres_user(self) -> int:
        """The ID of the user postgres in the image."""
        with self._lock:
            if self._user is None:
                self._user = int(self._helper.run_once("id", "-u", "postgres"))
            return self._user

    def of_snapshot(self, arn: str) -> str:
        """The name of a snapshot's volume."""
        return self._settings.container(f"snapshot-{hashlib.sha256(arn.encode()).hexdigest()[:12]}")

    def make_cluster(self, volume: str) -> None:
        """Create a new, empty PostgreSQL cluster."""
        self._make(volume)
        self._helper.run_once("sh", "-c", INITDB, volumes={volume: {"bind": MOUNT, "mode": "rw"}})

    def copy(self, source: str, target: str) -> None:
        """Copy a volume to a new one. Raises ServiceError if the source does not exist."""
        if not self.exists(source):
            raise ServiceError(f"the snapshot to restore ({source}) does not exist")
        self._make(target)
        mounts = {source: {"bind": "/source", "mode": "ro"}, target: {"bind": MOUNT, "mode": "rw"}}
        self._helper.run_once("cp", "-a", "/source/.", MOUNT, volumes=mounts)

    def back_up(self, database: ServiceContainer, port: int, volume: str) -> None:
        """Copy a running database to a new volume. Raises ServiceError."""
        self._make(volume)
        labels = [f"--label={name}={value}" for name, value in self._labels.items()]
        unpack = ["docker", "run", "--rm", "-i", "--network=none", *labels, f"--volume={volume}:{MOUNT}", SERVICE]
        backup = [f"{postgres.PROGRAMS}/pg_basebackup", "-U", postgres.SUPERUSER, "-h", "/run/postgresql"]
        options = ["-p", str(port), "-D", "-", "-F", "tar", "-X", "fetch", "-c", "fast"]
        with subprocess.Popen(
            ["docker", "exec", database.name, *backup, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as source:
            sink = subprocess.run(
                [*unpack, "sh", "-c", f"{EMPTY} && exec tar -x -p -C {DATA}"],
                stdin=source.stdout,
                capture_output=True,
                timeout=COMMAND_SECONDS,
                check=False,
            )
            output = (source.stderr.read() if source.stderr else b"") + sink.stderr
        if source.returncode or sink.returncode:
            self.remove(volume)
            raise ServiceError(f"{database.name}: the backup failed: {output.decode(errors='replace').strip()[-1000:]}")

    def exists(self, volume: str) -> bool:
        try:
            client().volumes.get(volume)
        except NotFound:
            return False
        return True

    def remove(self, volume: str) -> None:
        """Remove the volume if it exists."""
        try:
            client().volumes.get(volume).remove(force=True)
        except NotFound:
            return

    def _make(self, volume: str) -> None:
        """Create an empty volume, replacing any of that name."""
        self.remove(volume)
        client().volumes.create(volume, labels=self._labels)
