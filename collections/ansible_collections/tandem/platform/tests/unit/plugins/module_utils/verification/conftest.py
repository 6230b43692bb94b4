"""A deployment in which every promise holds, as plain data. Each test breaks it in one place."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.module_utils.verification import access, model

Json = dict[str, Any]

MATRIX = [
    {"from": "internet", "to": "public_alb", "port": "80", "why": "Visitors"},
    {"from": "public_alb", "to": "frontend", "port": "5000", "why": "Requests"},
    {"from": "frontend", "to": "internal_alb", "port": 80, "why": "Passed-through requests"},
    {"from": "internal_alb", "to": "backend", "port": "5001", "why": "Requests"},
    {"from": "backend", "to": "database", "port": 5432, "why": "Queries"},
    {"from": "admin", "to": "frontend", "port": 22, "why": "SSH"},
    {"from": "frontend", "to": "backend", "port": 22, "why": "SSH through a frontend"},
    {"from": "frontend", "to": "internet", "port": 80, "why": "Packages"},
    {"from": "frontend", "to": "internet", "port": 443, "why": "Packages"},
    {"from": "backend", "to": "internet", "port": 80, "why": "Packages"},
    {"from": "backend", "to": "internet", "port": 443, "why": "Packages"},
]
WANTED = {
    "name_prefix": "tandem-test",
    "frontend_count": 2,
    "backend_count": 2,
    "frontend_port": 5000,
    "backend_port": 5001,
    "app_version": "0.0.1",
    "admin_cidr": "198.51.100.7/32",
    "db_master_username": "tandem_master",
    "host_ports": [22],
    "access_matrix": MATRIX,
}
PUBLIC_NAME, INTERNAL_NAME, DATABASE_NAME = "public.example.com", "internal.example.com", "db.example.com"


def instance(tier: str, number: int) -> Json:
    public = tier == "frontend"
    return {
        "id": f"i-{tier}{number}",
        "tier": tier,
        "state": "running",
        "image": "ami-1",
        "type": "t3.micro",
        "zone": f"us-east-1{'ab'[(number - 1) % 2]}",
        "subnet": f"{'public' if public else 'private'}-{(number - 1) % 2 + 1}",
        "security_groups": [tier],
        "private_address": f"10.40.{number}.{4 if public else 14}",
        "public_address": f"198.51.100.{10 + number}" if public else "",
        "http_tokens": "required",
        "hop_limit": 1,
    }


def found(frontends: int = 2, backends: int = 2) -> Json:
    """What the module survey says of the account."""
    instances = {f"frontend-{n}": instance("frontend", n) for n in range(1, frontends + 1)}
    instances |= {f"backend-{n}": instance("backend", n) for n in range(1, backends + 1)}
    subnets = {
        f"{kind}-{n}": {"id": f"subnet-{kind}{n}", "cidr": f"10.40.{i}.0/24", "zone": f"us-east-1{'ab'[n - 1]}"}
        for i, (kind, n) in enumerate((k, n) for k in ("public", "private", "isolated") for n in (1, 2))
    }
    balancers = {
        name: {
            "arn": f"arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/tandem-test-{name}/1",
            "state": "active",
            "scheme": scheme,
            "dns_name": dns,
            "listeners": {"80": tier},
            "security_groups": [f"{name}_alb"],
        }
        for name, scheme, dns, tier in (
            ("public", "internet-facing", PUBLIC_NAME, "frontend"),
            ("internal", "internal", INTERNAL_NAME, "backend"),
        )
    }
    return {
        "at": "2026-11-23T12:00:00+00:00",
        "vpc": {"id": "vpc-1", "cidr": "10.40.0.0/16"},
        "subnets": subnets,
        "nat_gateways": {"nat-1": {"id": "nat-1"}},
        "endpoints": {"s3": {"id": "vpce-1", "route_tables": ["private-1", "private-2", "public"]}},
        "route_tables": {
            name: {
                "routes": {"0.0.0.0/0": target} if target else {},
                "other_routes": {"pl-s3": "vpce-1"} if target else {},
                "subnets": inside,
            }
            for name, target, inside in (
                ("public", "internet", ["public-1", "public-2"]),
                ("private-1", "nat-1", ["private-1"]),
                ("private-2", "nat-1", ["private-2"]),
                ("isolated", "", ["isolated-1", "isolated-2"]),
            )
        },
        "security_groups": groups(),
        "instances": instances,
        "strangers": [],
        "load_balancers": balancers,
        "target_groups": {
            tier: {"targets": {name: "healthy" for name, item in instances.items() if item["tier"] == tier}}
            for tier in ("frontend", "backend")
        },
        "database": {
            "id": "tandem-test-database",
            "state": "available",
            "class": "db.t4g.micro",
            "engine_version": "17.6",
            "endpoint": DATABASE_NAME,
            "port": 5432,
            "master_username": "tandem_master",
            "subnet_group": "database",
            "parameter_group": "database",
            "security_groups": ["database"],
            "encrypted": True,
            "public": False,
        },
        "database_subnet_groups": {"database": {"subnets": ["isolated-1", "isolated-2"]}},
        "database_parameter_groups": {"database": {"values": {"rds.force_ssl": "1"}}},
        "volumes": {name: [{"id": f"vol-{name}", "encrypted": True}] for name in instances},
        "interfaces": [
            *(interface(name, [item["tier"]]) for name, item in instances.items()),
            *(interface(name, [f"{name}_alb"]) for name in balancers for _zone in "ab"),
            interface("database", ["database"]),
            interface("", [], "Interface for NAT Gateway nat-1"),
        ],
        "listener_rules": [],
    }


def interface(owner: str, groups: list[str], description: str = "", public_addresses: tuple[str, ...] = ()) -> Json:
    return {
        "id": f"eni-{owner}",
        "description": description,
        "owner": owner,
        "groups": groups,
        "public_addresses": [*public_addresses],
    }


def groups() -> Json:
    rules: Json = {
        t: {"ingress": [], "egress": []} for t in ("public_alb", "frontend", "internal_alb", "backend", "database")
    }
    sides = {"internet": "0.0.0.0/0", "admin": WANTED["admin_cidr"]}
    for entry in MATRIX:
        if entry["to"] in rules:
            rules[entry["to"]]["ingress"].append(f"tcp {entry['port']} {sides.get(entry['from'], entry['from'])}")
        if entry["from"] in rules:
            rules[entry["from"]]["egress"].append(f"tcp {entry['port']} {sides.get(entry['to'], entry['to'])}")
    return rules


# What is open from a tier, by destination's tier; everything else is closed. Written down, not derived from the matrix.
OPEN = {
    "operator": {("public_alb", 80), ("frontend", 22)},
    "visitor": {("public_alb", 80)},
    "frontend": {("public_alb", 80), ("internal_alb", 80), ("backend", 22), ("metadata", 80)},
    "backend": {("public_alb", 80), ("database", 5432), ("metadata", 80)},
}


def probed(
    probes: list[Json], tier: str, name: str, container: str | None = None, host: str | None = None
) -> list[Json]:
    """Answers as the module verify_probe gives them."""
    answers = []
    for probe in probes:
        side = (probe["to"].rsplit("-", 1)[0], probe["port"])
        is_open = side in OPEN[tier] and not (container and probe["to"] == "metadata")
        own = probe["to"] == host
        answer = "open" if is_open or (own and probe["port"] not in (2375, 2376)) else "refused" if own else "timeout"
        answers.append(
            {
                "from": name,
                "container": container,
                "to": probe["to"],
                "host": probe["host"],
                "port": probe["port"],
                "answer": answer,
                "addresses": {probe["host"]: answer},
                "ms": 0.5 if answer == "open" else 2500.0,
            }
        )
    return answers


def reply(**content: Any) -> Json:
    return {"status": 200, "ms": 3.0, **content}


def version(name: str) -> Json:
    return reply(json={"name": name, "version": WANTED["app_version"]})


def question(identity: str, replies: list[Json], url: str = "") -> Json:
    return {"id": identity, "url": url or f"http://127.0.0.1{identity}", "replies": replies}


def host_seen(name: str, item: Json, account: Json, backends: list[str]) -> Json:
    tier = item["tier"]
    probes = access.probes(account, WANTED, outside=False)
    asked = [question("/", [reply(text="Hello world!")]), question("/version", [version(name)])]
    asked += [question("/readyz", [reply(json={"ready": True})]), question("metadata", [{"status": 401, "ms": 1.0}])]
    seen: Json = {"at": "2026-11-23T12:00:01+00:00"}
    if tier == "frontend":
        asked.append(question("/passthrough", [version(backends[0])]))
        asked.append(question("internal-version", [version(b) for b in backends], f"http://{INTERNAL_NAME}/version"))
        database: list[Json] = []
    else:
        listing = {"instances": [{"name": backend, "alive": True} for backend in backends]}
        asked.append(question("/instances", [reply(json=listing)]))
        database = [
            {
                "container": "backend",
                "user": "tandem_backend",
                "rights": [],
                "host": DATABASE_NAME,
                "sslmode": "verify-full",
                "tls": "TLSv1.3",
                "without_tls": "FATAL: no pg_hba.conf entry for host, no encryption",
            }
        ]
    container = {
        "name": tier,
        "running": True,
        "state": "running",
        "image": f"sha256:{tier}0123456789abcdef",
        "image_name": f"tandem/{tier}:1",
        "uid": 10001,
        "capabilities": [],
        "no_new_privileges": True,
        "read_only": True,
        "privileged": False,
        "network": "bridge",
        "pid_mode": "",
        "ports": [f"0.0.0.0:{WANTED[f'{tier}_port']}->{WANTED[f'{tier}_port']}/tcp"],
        "docker_socket": False,
        "variables": {"NAME": name},
    }
    listening = [
        {"protocol": "tcp", "address": "0.0.0.0", "port": 22, "process": "sshd"},
        {"protocol": "tcp", "address": "0.0.0.0", "port": WANTED[f"{tier}_port"], "process": "docker-proxy"},
        {"protocol": "udp", "address": "127.0.0.53", "port": 53, "process": "systemd-resolve"},
    ]
    answers = probed(probes, tier, "host", host=name) + probed(probes, tier, "container", tier, host=name)
    return {
        "probe": {**seen, "probed": answers, "asked": asked},
        "host": {**seen, "containers": [container], "listening": listening, "exposed_secrets": []},
        "database": {**seen, "connections": database},
    }


def observation(frontends: int = 2, backends: int = 2) -> Any:
    """An Observation in which everything is as promised."""
    account = found(frontends, backends)
    names = {
        tier: [n for n, i in account["instances"].items() if i["tier"] == tier] for tier in ("frontend", "backend")
    }
    probes = access.probes(account, WANTED, outside=True)
    asked = [
        question("public-root", [reply(text="Hello world!")], f"http://{PUBLIC_NAME}/"),
        question("public-version", [version(n) for n in names["frontend"]], f"http://{PUBLIC_NAME}/version"),
        question("public-passthrough", [version(n) for n in names["backend"]], f"http://{PUBLIC_NAME}/passthrough"),
    ]
    operator = {
        "at": "2026-11-23T12:00:01+00:00",
        "probed": probed(probes, "operator", "operator") + probed(probes, "visitor", "visitor"),
        "asked": asked,
    }
    hosts = {n: host_seen(n, i, account, names["backend"]) for n, i in account["instances"].items()}
    wanted = {**copy.deepcopy(WANTED), "frontend_count": frontends, "backend_count": backends}
    return model.Observation(wanted, account, hosts, operator)


@pytest.fixture
def healthy() -> Any:
    return observation()
