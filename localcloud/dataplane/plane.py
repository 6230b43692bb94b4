"""The data plane as one thing: its parts, in the order in which they are made real."""

from __future__ import annotations

from ..guard import Guard
from ..reality import Reality
from ..settings import Settings
from .databases import Databases
from .dns import Dns
from .doorway import Doorway
from .firewall import Firewall
from .instances import Instances
from .loadbalancers import LoadBalancers
from .metadata import Metadata
from .network import Network
from .packages import Packages
from .reconciler import Part, Reads, Reconciler


class DataPlane:
    """The internet and the doorway come up with the object, before there is any API; the rest follows start()."""

    def __init__(self, settings: Settings, reality: Reality, guard: Guard) -> None:
        self._settings = settings
        self._reality = reality
        self.network = Network(settings, reality, guard)
        self._doorway = Doorway(settings)
        self._reconciler: Reconciler | None = None

    def start(self, reader: Reads) -> None:
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
            self._doorway,
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
