"""EC2 instances as system containers, each with its own thread, so that they boot in parallel."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from localcloud.contract.reality import Reality
from localcloud.contract.topology import Topology
from localcloud.machine import namespaces
from localcloud.settings import Settings

from ..containers import client
from ..network.metadata_paths import Guest
from ..network.network import Network
from ..worker import Worker
from .host import Host

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
BOOT_SECONDS = 180
PROBE_SECONDS = 0.05
SSH = 22
CONSOLE_END = "Cloud-init finished"


class Instances:
    """Starts, stops, reboots and removes hosts to match the topology, and notices reboots and shutdowns from inside."""

    def __init__(self, settings: Settings, reality: Reality, network: Network) -> None:
        self._settings = settings
        self._reality = reality
        self._network = network
        self._workers: dict[str, _InstanceWorker] = {}
        self._closing = threading.Event()
        self._events: Any = None
        threading.Thread(target=self._watch, name="container events", daemon=True).start()

    def reconcile(self, topology: Topology) -> None:
        """Give each instance's thread its plan. Returns at once."""
        interfaces = {interface.id: (vpc, interface) for vpc in topology.vpcs for interface in vpc.interfaces}
        wanted = {
            instance.id: instance
            for instance in topology.instances
            if instance.wanted != "terminated" and instance.interface_id in interfaces
        }
        for instance_id, instance in wanted.items():
            vpc, interface = interfaces[instance.interface_id]
            if instance_id not in self._workers:
                self._workers[instance_id] = _InstanceWorker(self._settings, self._reality, self._network, instance_id)
            self._workers[instance_id].want(Guest(instance, interface, vpc))
        for instance_id in self._workers.keys() - wanted.keys():
            self._workers[instance_id].end()
        self._workers = {name: worker for name, worker in self._workers.items() if not worker.ended}

    def close(self) -> None:
        """Remove all hosts."""
        self._closing.set()
        for worker in self._workers.values():
            worker.end()
        for worker in self._workers.values():
            worker.join()
        if self._events is not None:
            self._events.close()

    def _watch(self) -> None:
        """Wake an instance's thread when its container ends, because the host rebooted or shut down."""
        mine = {"type": "container", "event": "die", "label": f"{self._settings.label}={self._settings.name}"}
        while not self._closing.is_set():
            try:
                self._events = client().events(decode=True, filters=mine)
                for event in self._events:
                    name = event["Actor"]["Attributes"]["name"].removeprefix(self._settings.container(""))
                    if worker := self._workers.get(name):
                        worker.wake()
            except Exception as error:
                if not self._closing.is_set():
                    log.warning("container events: %s", error)
            self._closing.wait(1)


class _InstanceWorker(Worker[Guest]):
    """_boots: the boot count of the last boot. A host that shut itself down waits for a higher count."""

    def __init__(self, settings: Settings, reality: Reality, network: Network, instance_id: str) -> None:
        super().__init__(instance_id, POLL_SECONDS)
        self._settings = settings
        self._reality = reality
        self._network = network
        self._host = Host(settings, instance_id)
        self._boots = 0
        self._plugged: tuple[int, str] | None = None
        self._console_is_complete = False

    def wake(self) -> None:
        self._woken.set()

    def step(self, plan: Guest) -> None:
        if plan.instance.wanted == "stopped":
            self._stop()
        elif plan.instance.boots > self._boots:
            self._boot(plan)
        else:
            self._look_after(plan)

    def failed(self, reason: str) -> None:
        self._reality.set_failed(self.name, reason)

    def remove(self) -> None:
        self._host.remove()
        self._unplug()
        self._reality.set_gone(self.name)

    def _stop(self) -> None:
        if self._host.state() == "running":
            self._host.stop()
            self._read_console()
        self._unplug()
        self._reality.set_gone(self.name)

    def _boot(self, plan: Guest) -> None:
        self._reality.set_gone(self.name)
        if not self._boots:
            self._host.remove()  # a failed attempt may have left it incomplete
            self._host.create(plan)
        elif self._host.state() == "running":
            self._host.stop()
        self._start()
        self._boots = plan.instance.boots
        self._look_after(plan)

    def _start(self) -> None:
        self._host.start()
        self._plugged, self._console_is_complete = None, False

    def _look_after(self, plan: Guest) -> None:
        """Keep a running host attached, and report whether it is ready."""
        state = self._host.state()
        if state == "rebooting":
            log.info("%s reboots from inside", self.name)
            self._reality.set_gone(self.name)
            self._start()
            self._look_after(plan)
        elif state == "running":
            self._plug(plan)
            if not self._reality.ready(self.name):
                self._wait_for_ssh(plan)
            if not self._console_is_complete:
                self._read_console()
        elif not self._reality.powered_off(self.name):
            log.info("%s was shut down from inside", self.name)
            self._read_console()
            self._reality.set_powered_off(self.name)

    def _plug(self, plan: Guest) -> None:
        pid = self._host.pid()
        wanted = (pid, plan.interface.id)
        if pid and wanted != self._plugged:
            self._network.attach(plan.vpc.id, plan.interface, pid)
            self._plugged = wanted

    def _unplug(self) -> None:
        if self._plugged:
            self._network.detach(self._plugged[1])
            self._plugged = None

    def _read_console(self) -> None:
        """Copy the console for the API. It is complete once the user data has run."""
        text = self._host.console()
        self._reality.set_console(self.name, text)
        self._console_is_complete = CONSOLE_END in text

    def _wait_for_ssh(self, plan: Guest) -> None:
        """Wait until the host answers on SSH, or until the plan changes or the host stops."""
        namespace, address = self._settings.vpc_namespace(plan.vpc.id), plan.interface.address
        end = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < end:
            if _answers_on_ssh(namespace, address):
                self._read_console()
                self._reality.set_ready(self.name)
                return
            if self._woken.wait(PROBE_SECONDS):
                self._woken.set()
                return
        self.failed(f"it did not answer on SSH within {BOOT_SECONDS} s; see its console output")


def _answers_on_ssh(namespace: str, address: str) -> bool:
    try:
        with namespaces.connect(namespace, address, SSH, timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
