"""PostgreSQL databases and their snapshots, made real."""

from __future__ import annotations

import logging
from pathlib import Path

from docker.errors import APIError

from localcloud.contract.reality import Reality
from localcloud.contract.topology import Topology
from localcloud.settings import Settings

from ..network.network import Network
from .certificates import CertificateAuthority
from .postgres_server import DatabasePlan, PostgresServer
from .volumes import Volumes

log = logging.getLogger(__name__)


class Databases:
    """A worker per database; reconcile() only distributes plans and returns at once.

    The database's worker takes a snapshot once both are in the topology; it is removed once it is no longer listed.
    """

    def __init__(self, settings: Settings, reality: Reality, network: Network) -> None:
        self._settings = settings
        self._reality = reality
        self._network = network
        self._authority = CertificateAuthority(settings)
        self._volumes = Volumes(settings)
        self._servers: dict[str, PostgresServer] = {}
        self._leaving: dict[str, PostgresServer] = {}
        self._snapshots: set[str] = set()

    @property
    def ca_bundle(self) -> Path:
        """The CA certificate (PEM) for verifying this cloud's databases."""
        return self._authority.bundle

    def reconcile(self, topology: Topology) -> None:
        """Make databases and snapshots match the topology."""
        self._forget_snapshots({snapshot.arn for snapshot in topology.snapshots})
        plans = self._plans(topology)
        for arn in self._servers.keys() - plans.keys():
            self._leaving[arn] = self._servers.pop(arn)
            self._leaving[arn].end()
        self._leaving = {arn: server for arn, server in self._leaving.items() if not server.ended}
        for arn, plan in plans.items():
            if arn in self._leaving:
                continue  # wait for the next round, when its name is free
            if arn not in self._servers:
                self._servers[arn] = PostgresServer(
                    self._settings, self._reality, self._network, self._authority, self._volumes, arn
                )
            self._servers[arn].want(plan)

    def close(self) -> None:
        """Remove every database and snapshot."""
        servers = [*self._servers.values(), *self._leaving.values()]
        for server in servers:
            server.end()
        for server in servers:
            server.join()
        self._servers, self._leaving = {}, {}
        self._forget_snapshots(set())

    def _plans(self, topology: Topology) -> dict[str, DatabasePlan]:
        interfaces = {interface.id: interface for vpc in topology.vpcs for interface in vpc.interfaces}
        return {
            database.id: DatabasePlan(
                database,
                interfaces[database.interface_id],
                tuple(snapshot.arn for snapshot in topology.snapshots if snapshot.database_id == database.id),
            )
            for database in topology.databases
            if database.interface_id in interfaces
        }

    def _forget_snapshots(self, wanted: set[str]) -> None:
        for arn in self._snapshots - wanted:
            try:
                self._volumes.remove(self._volumes.of_snapshot(arn))
            except APIError as error:  # in use: the next round tries again
                log.warning("snapshot %s: %s", arn, error)
                wanted = wanted | {arn}
            else:
                self._reality.set_gone(arn)
        self._snapshots = set(wanted)
