"""Volumes with PostgreSQL's data: new ones, copies of running databases (snapshots), and copies of those."""

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
    """Docker volumes labelled as the cloud's. Work on them is done by containers that are gone afterwards."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._labels = {settings.label: settings.name}
        self._helper = ServiceContainer(settings, "volumes")
        self._lock = threading.Lock()
        self._user: int | None = None

    def postgres_user(self) -> int:
        """The id of the image's user postgres."""
        with self._lock:
            if self._user is None:
                self._user = int(self._helper.run_once("id", "-u", "postgres"))
            return self._user

    def of_snapshot(self, arn: str) -> str:
        """Name of the volume that keeps a snapshot."""
        return self._settings.container(f"snapshot-{hashlib.sha256(arn.encode()).hexdigest()[:12]}")

    def make_cluster(self, volume: str) -> None:
        """A new, empty PostgreSQL cluster."""
        self._make(volume)
        self._helper.run_once("sh", "-c", INITDB, volumes={volume: {"bind": MOUNT, "mode": "rw"}})

    def copy(self, source: str, target: str) -> None:
        """Fill a new volume with another's content. Raises ServiceError if there is no such other."""
        if not self.exists(source):
            raise ServiceError(f"the snapshot to restore from ({source}) is not there")
        self._make(target)
        mounts = {source: {"bind": "/source", "mode": "ro"}, target: {"bind": MOUNT, "mode": "rw"}}
        self._helper.run_once("cp", "-a", "/source/.", MOUNT, volumes=mounts)

    def back_up(self, database: ServiceContainer, port: int, volume: str) -> None:
        """Fill a new volume with a copy of a running database. Raises ServiceError."""
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
            said = (source.stderr.read() if source.stderr else b"") + sink.stderr
        if source.returncode or sink.returncode:
            self.remove(volume)
            raise ServiceError(f"{database.name}: the backup failed: {said.decode(errors='replace').strip()[-1000:]}")

    def exists(self, volume: str) -> bool:
        try:
            client().volumes.get(volume)
        except NotFound:
            return False
        return True

    def remove(self, volume: str) -> None:
        """Remove the volume. No error if it is not there."""
        try:
            client().volumes.get(volume).remove(force=True)
        except NotFound:
            return

    def _make(self, volume: str) -> None:
        """An empty volume, whatever there was of that name."""
        self.remove(volume)
        client().volumes.create(volume, labels=self._labels)
