"""Name servers: dnsmasq at each VPC's +2 address and in the internet. Unknown names do not exist."""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from pathlib import Path

from localcloud.contract.reality import Reality
from localcloud.contract.topology import Topology
from localcloud.machine import namespaces
from localcloud.settings import Settings

from . import names
from .packages import Packages
from .routing import resolver_address
from .vpc import RESOLVER_ALIAS

log = logging.getLogger(__name__)

PORT = 53
START_SECONDS = 5.0
INTERNET = "internet"


class DnsError(RuntimeError):
    """A name server does not start; the message has its output."""


class Dns:
    """Runs a name server per VPC and one for the internet, with the names of the topology."""

    def __init__(self, settings: Settings, reality: Reality, packages: Packages) -> None:
        self._settings = settings
        self._reality = reality
        self._packages = packages
        self._folder = settings.state_dir / "dns"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._servers: dict[str, _Server] = {}
        settings.resolv_conf.write_text(f"nameserver {settings.resolver_address}\noptions timeout:2 attempts:2\n")
        settings.resolv_conf.chmod(0o644)

    def reconcile(self, topology: Topology) -> None:
        """Start, update and stop name servers. Clients may cache answers for 5 seconds."""
        common = names.everywhere(self._settings, topology, self._packages.addresses)
        vpcs = {vpc.id: vpc for vpc in topology.vpcs if self._reality.ready(vpc.id)}
        for gone in self._servers.keys() - vpcs.keys() - {INTERNET}:
            self._servers.pop(gone).close()
        self._serve(INTERNET, self._settings.internet_namespace, [str(self._settings.resolver_address)], common)
        for vpc_id, vpc in vpcs.items():
            addresses = [resolver_address(vpc), RESOLVER_ALIAS]
            namespace = self._settings.vpc_namespace(vpc_id)
            self._serve(vpc_id, namespace, addresses, names.in_vpc(vpc, common))

    def close(self) -> None:
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    def _serve(self, key: str, namespace: str, addresses: list[str], found: names.Names) -> None:
        try:
            if key in self._servers and not self._servers[key].serves(addresses):
                self._servers.pop(key).close()
            if key not in self._servers:
                self._servers[key] = _Server(namespace, addresses, self._folder / f"{key}.hosts", found)
            self._servers[key].update(found)
        except (DnsError, OSError) as error:
            log.exception("name server of %s", key)
            self._reality.set_failed(f"{key}/dns", str(error))


class _Server:
    """A dnsmasq in a namespace. It answers from its hosts file only."""

    def __init__(self, namespace: str, addresses: list[str], hosts: Path, found: names.Names) -> None:
        self._addresses = addresses
        self._hosts = hosts
        self._text = names.hosts_file(found)
        hosts.write_text(self._text)
        command = [
            "nsenter", f"--net={namespaces.path(namespace)}", "--", "dnsmasq", "--keep-in-foreground",
            "--conf-file=/dev/null", "--log-facility=/dev/null", "--pid-file=", "--user=root", "--bind-interfaces",
            "--no-resolv", "--no-hosts", f"--addn-hosts={hosts}", "--address=/#/", "--local-ttl=5",
            *[f"--listen-address={address}" for address in addresses],
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self._wait_until_it_answers(namespace)

    def serves(self, addresses: list[str]) -> bool:
        """Whether it runs and listens at exactly these addresses."""
        return self._process.poll() is None and self._addresses == addresses

    def update(self, found: names.Names) -> None:
        """Replace the names."""
        text = names.hosts_file(found)
        if text != self._text:
            self._hosts.write_text(text)
            self._process.send_signal(signal.SIGHUP)
            self._text = text

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._hosts.unlink(missing_ok=True)

    def _wait_until_it_answers(self, namespace: str) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                namespaces.connect(namespace, self._addresses[0], PORT, timeout=1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        self._process.kill()
        output = self._process.communicate()[1]
        raise DnsError(f"dnsmasq at {self._addresses[0]} does not answer. Its output: {output.strip()[-500:]}")
