"""A database: a container with PostgreSQL, its data on a volume, at the address of its interface."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import signal
import time
from dataclasses import dataclass

from localcloud.contract.reality import Reality, with_password
from localcloud.contract.topology import Database, Interface
from localcloud.settings import Settings

from ..containers import ServiceContainer, ServiceError
from ..network.network import Network
from ..worker import Worker
from . import postgres
from .certificates import CertificateAuthority, write_private
from .volumes import DATA, MOUNT, Volumes

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
START_SECONDS = 60


@dataclass(frozen=True)
class DatabasePlan:
    """snapshots: ARNs of the snapshots of this database."""

    database: Database
    interface: Interface
    snapshots: tuple[str, ...] = ()


class PostgresServer(Worker[DatabasePlan]):
    """Boots on creation, reboot and crash; parameters and password follow the plan."""

    def __init__(
        self,
        settings: Settings,
        reality: Reality,
        network: Network,
        authority: CertificateAuthority,
        volumes: Volumes,
        arn: str,
    ) -> None:
        region, name = arn.split(":")[3], arn.rpartition(":")[2]
        super().__init__(f"database {region}/{name}", POLL_SECONDS)
        self.arn = arn
        self._reality = reality
        self._network = network
        self._authority = authority
        resource = f"db-{region}-{name}"
        self._folder = settings.state_dir / "db" / hashlib.sha256(arn.encode()).hexdigest()[:12]
        self._container = ServiceContainer(settings, resource)
        self._volumes = volumes
        self._volume = settings.container(resource)
        self._filled = False
        self._is_new = False
        self._booted: tuple[int, int] | None = None
        self._attached: tuple[int, Interface] | None = None
        self._configured = ""
        self._password = ""

    def step(self, plan: DatabasePlan) -> None:
        database = plan.database
        if not database.running:
            self._stop()
            return
        pid = self._container.pid()
        if pid is None or self._booted != (database.boots, database.port):
            pid = self._boot(plan)
        try:
            self._serve(plan, pid)
        except Exception as error:
            if self._container.pid():
                raise
            # The process has ended, so its output is the real reason.
            raise ServiceError(f"PostgreSQL ended: {self._container.last_output()}") from error

    def _serve(self, plan: DatabasePlan, pid: int) -> None:
        """Bring the running server's network, parameters, master user and snapshots to the plan."""
        database = plan.database
        if self._attached != (pid, plan.interface):
            self._network.attach(database.vpc_id, plan.interface, pid)
            self._attached = (pid, plan.interface)
        self._follow_parameters(database, pid)
        if not self._reality.ready(self.arn):
            self._await_answer(plan)
        self._follow_master(database)
        self._reality.set_ready(self.arn)
        for snapshot in plan.snapshots:
            self._take(snapshot, database)

    def failed(self, reason: str) -> None:
        self._reality.set_failed(self.arn, reason)

    def remove(self) -> None:
        self._container.remove()
        self._unplug()
        self._volumes.remove(self._volume)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._reality.set_gone(self.arn)

    # -- boot -----------------------------------------------------------------------------------------
    def _stop(self) -> None:
        if self._booted:
            self._reality.set_gone(self.arn)
            self._container.stop()
            self._unplug()
            self._booted = None

    def _unplug(self) -> None:
        if self._attached:
            self._network.detach(self._attached[1].id)
            self._attached = None

    def _boot(self, plan: DatabasePlan) -> int:
        """Start a new container on the volume's data. This also applies static parameters."""
        database = plan.database
        self._reality.set_gone(self.arn)
        self._container.stop()
        if not self._filled:
            self._fill(database)
        self._write_files(database)
        pid = self._container.start(
            [f"{postgres.PROGRAMS}/postgres", "-D", DATA, "-c", f"config_file={postgres.FOLDER}/postgresql.conf"],
            user="postgres",
            stop_signal="SIGINT",  # fast shutdown: does not wait for clients
            read_only=True,
            tmpfs={"/run/postgresql": "mode=1777", "/tmp": "mode=1777"},  # noqa: S108 - inside the container
            shm_size="256m",
            volumes={
                str(self._folder): {"bind": postgres.FOLDER, "mode": "ro"},
                self._volume: {"bind": MOUNT, "mode": "rw"},
            },
        )
        self._booted, self._attached = (database.boots, database.port), None
        return pid

    def _fill(self, database: Database) -> None:
        """Initialize the volume with a new cluster or a snapshot."""
        major = database.engine_version.split(".")[0]
        if major != postgres.MAJOR_VERSION:
            log.warning("%s: PostgreSQL %s was requested, but %s runs", self.name, major, postgres.MAJOR_VERSION)
        if database.restore_from:
            self._volumes.copy(self._volumes.of_snapshot(database.restore_from), self._volume)
        else:
            self._volumes.make_cluster(self._volume)
        self._filled, self._is_new = True, not database.restore_from

    def _write_files(self, database: Database) -> None:
        owner = self._volumes.postgres_user()
        self._folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        os.chown(self._folder, owner, -1)
        certificate, key = self._authority.issue(database.dns_name)
        write_private(self._folder / "server.crt", certificate, owner)
        write_private(self._folder / "server.key", key, owner)
        write_private(self._folder / "pg_ident.conf", postgres.IDENT.encode(), owner)
        self._write_parameters(database, owner)

    def _write_parameters(self, database: Database, owner: int) -> None:
        write_private(self._folder / "postgresql.conf", postgres.configuration(database).encode(), owner)
        write_private(self._folder / "pg_hba.conf", postgres.access(database).encode(), owner)
        self._configured = postgres.configuration(database)

    def _await_answer(self, plan: DatabasePlan) -> None:
        """Wait until PostgreSQL accepts connections at the database's address."""
        where = ["-h", plan.interface.address, "-p", str(plan.database.port)]
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self._container.execute(f"{postgres.PROGRAMS}/pg_isready", "-q", *where)
            except ServiceError as error:
                if not self._container.pid():
                    raise
                if time.monotonic() > end:
                    output = self._container.last_output()
                    raise ServiceError(
                        f"PostgreSQL did not accept connections in {START_SECONDS} s: {output}"
                    ) from error
                time.sleep(0.1)
            else:
                return

    # -- running --------------------------------------------------------------------------------------
    def _follow_parameters(self, database: Database, pid: int) -> None:
        """Apply dynamic parameters at once; PostgreSQL applies static ones at the next boot."""
        if postgres.configuration(database) != self._configured:
            self._write_parameters(database, self._volumes.postgres_user())
            os.kill(pid, signal.SIGHUP)

    def _follow_master(self, database: Database) -> None:
        if self._is_new or self._password != database.master_password:
            create = postgres.MASTER_USER if self._is_new else ""
            self._sql(create + postgres.password(database), database)
            self._is_new, self._password = False, database.master_password
            self._reality.set_ready(with_password(self.arn, database.master_password))

    def _sql(self, text: str, database: Database) -> str:
        """Run SQL as the superuser, who can only connect by the container's own socket."""
        given = ["-v", f"master={database.master_username}", "-v", f"name={database.name}"]
        psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *given, "-U", postgres.SUPERUSER, "-d", "postgres"]
        return self._container.execute(*psql, "-h", "/run/postgresql", "-p", str(database.port), text=text)

    def _take(self, snapshot: str, database: Database) -> None:
        """Copy the running database. A failure does not affect the database."""
        if self._reality.ready(snapshot):
            return
        try:
            self._volumes.back_up(self._container, database.port, self._volumes.of_snapshot(snapshot))
            self._reality.set_ready(snapshot)
        except ServiceError as error:
            self._reality.set_failed(snapshot, str(error))
