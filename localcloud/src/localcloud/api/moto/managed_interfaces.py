"""Network interfaces of load balancers and databases, which moto lacks.

They hold the addresses in the subnets, and keep AWS from deleting a subnet or security group that is still in use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import lifecycle, moto_state
from .corrections.addresses import public_address
from .corrections.attachments import attach

LOAD_BALANCING = "amazon-elb"


@dataclass(frozen=True)
class _Wanted:
    subnet: Any
    groups: tuple[str, ...]
    description: str
    requester: str
    public: bool


def sync(region: str) -> None:
    """Create, change and delete interfaces to match the region's load balancers and databases."""
    ec2 = moto_state.ec2(region)
    wanted = {**dict(_of_load_balancers(region)), **dict(_of_databases(region))}
    existing = {(eni.manager, eni.subnet.id): eni for eni in list(ec2.enis.values()) if _is_managed(eni)}
    for key in existing.keys() - wanted.keys():
        _release(existing[key])
    for key, want in wanted.items():
        interface = existing.get(key) or _create(ec2, key[0], want)
        groups = moto_state.security_groups(region)
        interface._group_set = [groups[group] for group in want.groups if group in groups]


def of(region: str, manager: str) -> list[Any]:
    """moto's interfaces of a load balancer or database (by ARN) or a NAT gateway (by id)."""
    return [eni for eni in list(moto_state.ec2(region).enis.values()) if getattr(eni, "manager", None) == manager]


def _is_managed(interface: Any) -> bool:
    return str(getattr(interface, "manager", "")).startswith("arn:") and not getattr(interface, "is_leaving", False)


def _release(interface: Any) -> None:
    """Delete a database's interface at once; a load balancer's outlives it for a while, as on AWS."""
    if interface.requester_id != LOAD_BALANCING:
        interface.delete()
        return
    interface.is_leaving = True
    lifecycle.current().schedule("load balancer interfaces released", interface.delete)


def _of_load_balancers(region: str) -> Iterator[tuple[tuple[str, str], _Wanted]]:
    for balancer in list(moto_state.elbv2(region).load_balancers.values()):
        name = balancer.arn.split(":loadbalancer/")[1]
        for subnet in balancer.subnets:
            yield (
                (balancer.arn, subnet.id),
                _Wanted(
                    subnet,
                    tuple(balancer.security_groups or ()),
                    f"ELB {name}",
                    LOAD_BALANCING,
                    balancer.scheme == "internet-facing",
                ),
            )


def _of_databases(region: str) -> Iterator[tuple[tuple[str, str], _Wanted]]:
    for database in list(moto_state.rds(region).databases.values()):
        subnet = subnet_of(database)
        if subnet is not None:
            yield (
                (database.db_instance_arn, subnet.id),
                _Wanted(subnet, tuple(database.vpc_security_group_ids), "RDSNetworkInterface", "amazon-rds", False),
            )


def subnet_of(database: Any) -> Any | None:
    """The database's subnet: that of its zone in its subnet group, or None without a subnet group."""
    group = getattr(database, "db_subnet_group", None)
    if group is None:
        return None
    in_zone = [subnet for subnet in group._subnets if subnet.availability_zone == database.availability_zone]
    return (in_zone or group._subnets)[0]


def _create(ec2: Any, manager: str, want: _Wanted) -> Any:
    interface = ec2.create_network_interface(want.subnet, None, description=want.description)
    interface.manager = manager
    interface.requester_managed = True
    interface.requester_id = want.requester
    interface.status = "in-use"
    attach(interface, want.requester)
    if want.public:
        interface.public_ip = public_address()
    return interface
