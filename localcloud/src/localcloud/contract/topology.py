"""What should exist, as plain data: `localcloud.api.moto.reader` creates it, the data plane makes it real."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Owner = Literal["instance", "load-balancer", "database", "nat-gateway", "none"]


@dataclass(frozen=True)
class Rule:
    """A security group rule. protocol: tcp, udp, icmp, or -1 for all (ports are then None)."""

    direction: Literal["ingress", "egress"]
    protocol: str
    from_port: int | None
    to_port: int | None
    cidr: str | None = None
    group_id: str | None = None


@dataclass(frozen=True)
class SecurityGroup:
    id: str
    name: str
    vpc_id: str
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Interface:
    """An elastic network interface, the only holder of addresses in a subnet. mac: if empty, it is generated."""

    id: str
    subnet_id: str
    address: str
    group_ids: tuple[str, ...]
    public_address: str | None = None
    source_check: bool = True
    owner: Owner = "none"
    owner_id: str = ""
    mac: str = ""


@dataclass(frozen=True)
class Route:
    """target: local, an internet gateway's id, a NAT gateway's id, or blackhole."""

    cidr: str
    target: str


@dataclass(frozen=True)
class Subnet:
    id: str
    cidr: str
    zone: str
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True)
class NatGateway:
    id: str
    subnet_id: str
    address: str
    public_address: str


@dataclass(frozen=True)
class Vpc:
    id: str
    region: str
    cidrs: tuple[str, ...]
    internet_gateway_id: str | None = None
    subnets: tuple[Subnet, ...] = ()
    groups: tuple[SecurityGroup, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()


@dataclass(frozen=True)
class Metadata:
    """Options of the instance metadata service (IMDS). hop_limit: 1 to 64."""

    enabled: bool = True
    tokens: Literal["required", "optional"] = "required"
    hop_limit: int = 1
    tags: bool = False


@dataclass(frozen=True)
class Instance:
    """boots counts RunInstances, StartInstances and RebootInstances: a higher number means a new boot."""

    id: str
    region: str
    zone: str
    vpc_id: str
    interface_id: str
    image_id: str
    instance_type: str
    memory_mib: int
    wanted: Literal["running", "stopped", "terminated"]
    boots: int = 1
    key_name: str | None = None
    public_key: str | None = None
    user_data: bytes = b""
    metadata: Metadata = field(default_factory=Metadata)
    tags: tuple[tuple[str, str], ...] = ()
    instance_profile_arn: str | None = None


@dataclass(frozen=True)
class HealthCheck:
    """interval and timeout in seconds; matcher as in the API, for example 200 or 200-299,301."""

    path: str
    port: str
    protocol: str
    interval: int
    timeout: int
    healthy_threshold: int
    unhealthy_threshold: int
    matcher: str


@dataclass(frozen=True)
class Target:
    """id: an instance ID or an address, as registered. address: None if the instance does not run.

    draining: deregistered, but still within the deregistration delay.
    """

    id: str
    port: int
    address: str | None
    zone: str | None = None
    draining: bool = False


@dataclass(frozen=True)
class TargetGroup:
    """algorithm: round_robin or least_outstanding_requests."""

    arn: str
    name: str
    vpc_id: str
    health_check: HealthCheck
    targets: tuple[Target, ...] = ()
    algorithm: str = "round_robin"


@dataclass(frozen=True)
class Action:
    """A listener action: forward to a target group, return a fixed response, or redirect."""

    kind: Literal["forward", "fixed-response", "redirect"]
    target_group_arn: str | None = None
    status: int = 0
    content_type: str = "text/plain"
    body: str = ""
    location: str = ""


@dataclass(frozen=True)
class ListenerRule:
    """Any value of a field and all fields must match. Without conditions, it is the default action."""

    priority: int
    action: Action
    paths: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listener:
    arn: str
    port: int
    rules: tuple[ListenerRule, ...]


@dataclass(frozen=True)
class LoadBalancer:
    """One interface per subnet. idle_timeout in seconds. drops_invalid_headers: remove headers whose names have characters
    other than A-Z, a-z, 0-9 and -."""

    arn: str
    name: str
    dns_name: str
    internet_facing: bool
    vpc_id: str
    interface_ids: tuple[str, ...]
    listeners: tuple[Listener, ...] = ()
    idle_timeout: int = 60
    drops_invalid_headers: bool = False


@dataclass(frozen=True)
class Database:
    """boots counts creation, StartDBInstance and RebootDBInstance. parameters: those that differ from the defaults.

    id: the ARN. running: False while stopped. restore_from: a snapshot's ARN.
    """

    id: str
    region: str
    vpc_id: str
    interface_id: str
    dns_name: str
    port: int
    engine_version: str
    master_username: str
    master_password: str = field(repr=False)
    name: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    boots: int = 1
    restore_from: str | None = None
    running: bool = True


@dataclass(frozen=True)
class Snapshot:
    """A copy of a database's content, taken once and kept while it is listed.

    arn: also its name in Reality (ready once it is taken) and in Database.restore_from.
    database_id: the source, which stays in the topology until its final snapshot is ready.
    """

    arn: str
    database_id: str


@dataclass(frozen=True)
class Topology:
    """The whole account, all regions. Resources that are not listed must be removed."""

    vpcs: tuple[Vpc, ...] = ()
    instances: tuple[Instance, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    databases: tuple[Database, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
