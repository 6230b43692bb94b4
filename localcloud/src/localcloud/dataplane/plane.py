"""The data plane as one thing: its parts, in the order in which they are made real."""

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
    """The internet and the port forward come up with the object, before there is any API; the rest follows start()."""

    def __init__(self, settings: Settings, reality: Reality, guard: Guard) -> None:
        self._settings = settings
        self._reality = reality
        self.network = Network(settings, reality, guard)
        self._port_forward = PortForward(settings)
        self._reconciler: Reconciler | None = None

    def start(self, reader: TopologyReader) -> None:
        """Follow what the reader reads."""
        settings, reality, network = self._settings, self._reality, self.network
        packages = Packages(network)
        # Rules before hosts: a network is closed to everyone before anyone is plugged in.
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
        """The API has changed something. Returns at once."""
        if self._reconciler is not None:
            self._reconciler.wake()

    def close(self) -> None:
        """Remove everything that was made."""
        if self._reconciler is not None:
            self._reconciler.close()
