"""`localcloud status`: the topology and its state, as plain data and as tables."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from .contract.reality import Reality
from .contract.topology import Interface, Rule, Topology, Vpc
from .machine.guard import Guard
from .settings import Settings

Json = dict[str, Any]


def status(settings: Settings, topology: Topology, reality: Reality, guard: Guard) -> Json:
    """Plain data: cloud, vpcs, instances, load_balancers, databases, security_groups, leaked_packets."""
    interfaces = {interface.id: interface for vpc in topology.vpcs for interface in vpc.interfaces}
    return {
        "name": settings.name,
        "endpoint_url": settings.endpoint_url,
        "http_port": settings.http_port,
        "aws_time": settings.aws_time,
        "leaked_packets": guard.leaks(),
        "vpcs": [_vpc(vpc) for vpc in topology.vpcs],
        "instances": _instances(topology, interfaces, reality),
        "load_balancers": _load_balancers(topology, interfaces, reality),
        "databases": _databases(topology, interfaces, reality),
        "security_groups": [_group(group) for vpc in topology.vpcs for group in vpc.groups],
    }


def _vpc(vpc: Vpc) -> Json:
    subnets = [{"id": subnet.id, "cidr": subnet.cidr, "zone": subnet.zone} for subnet in vpc.subnets]
    nats = [{"id": nat.id, "address": nat.address, "public_address": nat.public_address} for nat in vpc.nat_gateways]
    return {"id": vpc.id, "region": vpc.region, "cidrs": list(vpc.cidrs), "subnets": subnets, "nat_gateways": nats}


def _instances(topology: Topology, interfaces: dict[str, Interface], reality: Reality) -> list[Json]:
    found = []
    for instance in topology.instances:
        interface = interfaces.get(instance.interface_id)
        works = reality.ready(instance.id)
        found.append(
            {
                "id": instance.id,
                "name": dict(instance.tags).get("Name", ""),
                "zone": instance.zone,
                "wanted": instance.wanted,
                "state": "running" if works else reality.failure(instance.id) or "not running",
                "address": interface.address if interface else None,
                "public_address": interface.public_address if interface else None,
            }
        )
    return found


def _load_balancers(topology: Topology, interfaces: dict[str, Interface], reality: Reality) -> list[Json]:
    groups = {group.arn: group for group in topology.target_groups}
    found = []
    for balancer in topology.load_balancers:
        rules = [rule for listener in balancer.listeners for rule in listener.rules]
        arns = dict.fromkeys(rule.action.target_group_arn for rule in rules if rule.action.target_group_arn)
        targets = []
        for arn in arns:
            for target in groups[arn].targets if arn in groups else ():
                health = reality.health(arn, target.id, target.port)
                where = {"target_group": groups[arn].name, "id": target.id, "port": target.port}
                targets.append({**where, "health": health.state if health else "unknown"})
        nodes = [interfaces[id] for id in balancer.interface_ids if id in interfaces]
        found.append(
            {
                "name": balancer.name,
                "dns_name": balancer.dns_name,
                "state": "active" if reality.ready(balancer.arn) else "provisioning",
                "addresses": [node.address for node in nodes],
                "public_addresses": [node.public_address for node in nodes if node.public_address],
                "ports": [listener.port for listener in balancer.listeners],
                "targets": targets,
            }
        )
    return found


def _databases(topology: Topology, interfaces: dict[str, Interface], reality: Reality) -> list[Json]:
    return [
        {
            "id": database.id,
            "dns_name": database.dns_name,
            "address": interfaces[database.interface_id].address if database.interface_id in interfaces else None,
            "engine_version": database.engine_version,
            "state": "available" if reality.ready(database.id) else "not available",
        }
        for database in topology.databases
    ]


def _group(group: Any) -> Json:
    return {"id": group.id, "name": group.name, "rules": [_rule(rule) for rule in group.rules]}


def _rule(rule: Rule) -> str:
    way, peer = ("from", "to")[rule.direction == "egress"], rule.group_id or rule.cidr
    if rule.protocol == "-1":
        return f"{rule.direction}: all {way} {peer}"
    ports = f"{rule.from_port}" if rule.from_port == rule.to_port else f"{rule.from_port}-{rule.to_port}"
    return f"{rule.direction}: {rule.protocol} {ports} {way} {peer}"


def show(report: Json, console: Console) -> None:
    """Print the report as tables."""
    console.print(
        f"[bold]{report['name']}[/]  API {report['endpoint_url']}  http://localhost:{report['http_port']}  "
        f"packets that tried to leave: {report['leaked_packets']}"
    )
    _show(console, "VPCs", ["VPC", "region", "ranges", "subnets"], [
        [vpc["id"], vpc["region"], ", ".join(vpc["cidrs"]), "\n".join(f"{s['cidr']} {s['zone']}" for s in vpc["subnets"])]
        for vpc in report["vpcs"]
    ])  # fmt: skip
    _show(console, "Instances", ["instance", "Name", "zone", "state", "private", "public"], [
        [i["id"], i["name"], i["zone"], i["state"], i["address"], i["public_address"]] for i in report["instances"]
    ])  # fmt: skip
    _show(console, "Load balancers", ["name", "state", "addresses", "public", "targets"], [
        [
            lb["name"], lb["state"], "\n".join(lb["addresses"]), "\n".join(lb["public_addresses"]),
            "\n".join(f"{t['id']}:{t['port']} {t['health']}" for t in lb["targets"]),
        ]
        for lb in report["load_balancers"]
    ])  # fmt: skip
    _show(console, "Databases", ["database", "state", "PostgreSQL", "address"], [
        [db["id"], db["state"], db["engine_version"], db["address"]] for db in report["databases"]
    ])  # fmt: skip
    _show(console, "Security groups in force", ["group", "name", "rules"], [
        [group["id"], group["name"], "\n".join(group["rules"])] for group in report["security_groups"]
    ])  # fmt: skip


def _show(console: Console, title: str, columns: list[str], rows: list[list[Any]]) -> None:
    if not rows:
        return
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*[str(cell) if cell is not None else "–" for cell in row])
    console.print(table)
