"""The data plane: its parts, in the order in which they are reconciled."""

from __future__ import annotations

from ..contract.reality import Reality
from ..machine.guard import Guard
from ..settings import Settings
from .balancers.loadbalancers import LoadBalancers
from .databases.databases import Databases
from .instances.instances import Instances
from .network.dns import Dns
from .network.firewall import Firewall
from .network.metadata import Metadata
from .network.network import Network
from .network.packages import Packages
from .network.port_forward import PortForward
from .reconciler import Part, Reconciler, TopologyReader


class DataPlane:
    """The internet and the port forward exist before the API; start() brings up the rest."""

    def __init__(self, settings: Settings, reality: Reality, guard: Guard) -> None:
        self._settings = settings
        self._reality = reality
        self.network = Network(settings, reality, guard)
        self._port_forward = PortForward(settings)
        self._reconciler: Reconciler | None = None

    def start(self, reader: TopologyReader) -> None:
        """Follow the reader's topology."""
        settings, reality, network = self._settings, self._reality, self.network
        packages = Packages(network)
        # Rules before hosts: a network is closed before anything is attached to it.
        parts: list[Part] = [
            network,
            Firewall(settings, reality),
            packages,
            Dns(settings, reality, packages),
            Metadata(settings, reality),
            Instances(settings, reality, network),
            Databases(settings, reality, network),
            LoadBalancers(settings, reality, network),
            self._port_forward,
        ]
        self._reconciler = Reconciler(reader, parts)
        self._reconciler.start()

    def wake(self) -> None:
        """Reconcile after a change of the API. Returns at once."""
        if self._reconciler is not None:
            self._reconciler.wake()

    def close(self) -> None:
        """Remove everything."""
        if self._reconciler is not None:
            self._reconciler.close()
