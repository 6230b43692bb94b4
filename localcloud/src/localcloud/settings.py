"""Names, paths and addresses of one local cloud. Everything that it creates carries its name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

STATE_ROOT = Path("/var/lib/localcloud")
MAX_CLOUDS = 16

# 198.18.0.0/15 (RFC 2544) is never routed on the internet, so it can stand in for it.
INTERNET = IPv4Network("198.18.0.0/16")
PUBLIC_ADDRESSES = IPv4Network("198.18.128.0/17")
INTERNET_GATEWAY_LINKS = IPv4Network("198.19.0.0/17")
UPLINKS = IPv4Network("198.19.255.0/24")

ACCOUNT_ID = "123456789012"


class SettingsError(ValueError):
    """An invalid setting; the message says what is allowed."""


@dataclass(frozen=True)
class Settings:
    """One local cloud. Several can run side by side, each with its own name and slot.

    name: prefix of every container, volume, network namespace and firewall table.
    slot: 0 to 15; selects the cloud's link to the machine.
    http_port: local port that is forwarded to the first internet-facing load balancer.
    aws_time: None for the quick default, or a factor for AWS's durations (1.0 is AWS's pace).
    """

    name: str = "localcloud"
    slot: int = 0
    http_port: int = 8080
    aws_time: float | None = None
    state_root: Path = field(default=STATE_ROOT)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,18}[a-z0-9]", self.name):
            raise SettingsError(
                f"LOCALCLOUD_NAME={self.name!r}: use 2 to 20 lower-case letters, digits and hyphens, "
                "starting with a letter, for example LOCALCLOUD_NAME=second"
            )
        if not 0 <= self.slot < MAX_CLOUDS:
            raise SettingsError(f"slot={self.slot}: use 0 to {MAX_CLOUDS - 1}")
        if not 1 <= self.http_port <= 65535:
            raise SettingsError(f"port={self.http_port}: use 1 to 65535, for example --port 8081")
        if self.aws_time is not None and not 0 < self.aws_time <= 10:
            raise SettingsError(f"aws_time={self.aws_time}: use more than 0, at most 10; for example --aws-time 0.2")

    @property
    def deregistration_lag(self) -> float:
        """Seconds for which a load balancer goes on sending requests to a target that was deregistered: on AWS 10 to 20."""
        return 1 if self.aws_time is None else 15 * self.aws_time

    # -- paths ----------------------------------------------------------------------------------------
    @property
    def state_dir(self) -> Path:
        """Everything that this cloud keeps on disk (mode 0700)."""
        return self.state_root / self.name

    @property
    def control_socket(self) -> Path:
        """Unix socket for the `localcloud` command; not reachable from the simulated internet."""
        return self.state_dir / "control.sock"

    @property
    def journal_file(self) -> Path:
        return self.state_dir / "journal.jsonl"

    @property
    def log_file(self) -> Path:
        return self.state_dir / "daemon.log"

    @property
    def aws_config(self) -> Path:
        """AWS CLI configuration for commands run by `exec`."""
        return self.state_dir / "aws-config"

    @property
    def resolv_conf(self) -> Path:
        """Resolver configuration for commands run by `exec`."""
        return self.state_dir / "resolv.conf"

    @property
    def exec_etc(self) -> Path:
        """Mount point for the files of /etc that `exec` replaces."""
        return self.state_dir / "etc"

    # -- names ----------------------------------------------------------------------------------------
    @property
    def internet_namespace(self) -> str:
        return f"{self.name}-internet"

    def vpc_namespace(self, vpc_id: str) -> str:
        return f"{self.name}-{vpc_id}"

    def container(self, resource: str) -> str:
        """Name of a resource's container; resource: an instance ID, `alb-…` or `db-…`."""
        return f"{self.name}-{resource}"

    @property
    def label(self) -> str:
        """Docker label on everything that this cloud creates; its value is the cloud's name."""
        return "localcloud"

    @property
    def guard_table(self) -> str:
        """The machine's nftables table that keeps packets from leaving."""
        return f"{self.name.replace('-', '_')}_guard"

    # -- addresses ------------------------------------------------------------------------------------
    @property
    def uplink_device(self) -> str:
        """The machine's end of the link to this cloud's internet."""
        return f"lc{self.slot}-uplink"

    @property
    def uplink_network(self) -> IPv4Network:
        """A /30: the machine has the first address, the internet's namespace the second."""
        return list(UPLINKS.subnets(new_prefix=30))[self.slot]

    @property
    def api_address(self) -> IPv4Address:
        """The AWS API's address in the simulated internet."""
        return INTERNET[1]

    @property
    def operator_address(self) -> IPv4Address:
        """Source address of the operator's commands."""
        return INTERNET[10]

    @property
    def resolver_address(self) -> IPv4Address:
        """The name server of the simulated internet."""
        return INTERNET[2]

    @property
    def visitor_address(self) -> IPv4Address:
        """Source address of anybody else in the internet."""
        return INTERNET[20]

    @property
    def endpoint_url(self) -> str:
        return f"http://{self.api_address}:4566"
