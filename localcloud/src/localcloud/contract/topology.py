"""What the API says should exist, as plain data. `localcloud.api.reader` makes it, the data plane makes it real."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Owner = Literal["instance", "load-balancer", "database", "nat-gateway", "none"]


@dataclass(frozen=True)
class Rule:
    """One permission of a security group. protocol: tcp, udp, icmp, or -1 for all (then ports are None)."""

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
    """An elastic network interface: the only thing that has an address in a subnet. mac: empty to have one made."""

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
    """boots counts RunInstances, StartInstances and RebootInstances: a higher number means boot again."""

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
    """interval and timeout in seconds; matcher as the API takes it, for example 200 or 200-299,301."""

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
    """id: an instance id or an address, as registered. address: where packets go (None: the target is gone or stopped).

    draining: deregistered, and still within the target group's deregistration delay.
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
    """What a listener does: forward to a target group, or answer by itself (fixed-response), or redirect."""

    kind: Literal["forward", "fixed-response", "redirect"]
    target_group_arn: str | None = None
    status: int = 0
    content_type: str = "text/plain"
    body: str = ""
    location: str = ""


@dataclass(frozen=True)
class ListenerRule:
    """Conditions are alternatives within a field and all fields must match; empty: the default action."""

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
    """One interface a subnet. idle_timeout in seconds. drops_invalid_headers: what of a request has a name of other letters
    than A-Z, a-z, 0-9 and - does not reach a target."""

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
    """boots counts creation, StartDBInstance and RebootDBInstance. parameters: those that differ from the engine's.

    id: the database's ARN. running is False while it is stopped. restore_from: a snapshot's ARN.
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
    """A copy of a database's content, to be taken once and kept until it is no longer listed.

    arn: name of the snapshot in Reality (set_ready once it is taken) and in Database.restore_from.
    database_id: the Database it is taken from; it stays in the topology until its final snapshot is ready.
    """

    arn: str
    database_id: str


@dataclass(frozen=True)
class Topology:
    """The whole account, all regions. What is not listed is to be removed."""

    vpcs: tuple[Vpc, ...] = ()
    instances: tuple[Instance, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    databases: tuple[Database, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
