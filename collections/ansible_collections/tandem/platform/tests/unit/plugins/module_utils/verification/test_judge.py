"""The judgement: green on a deployment as promised, and red, naming the cause, on one broken in any single place."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.module_utils import verification
from ansible_collections.tandem.platform.plugins.module_utils.verification import (
    access,
    isolation,
    model,
    picture,
    text,
)

from .conftest import MATRIX, interface, observation

Break = Callable[[Any], None]


def judge(seen: Any) -> tuple[Any, Any]:
    return verification.judge(seen)


def problems(seen: Any) -> list[str]:
    claims, _cells = judge(seen)
    return [f"{claim.id}: {problem}" for claim in claims for problem in claim.problems]


@pytest.mark.parametrize(("frontends", "backends"), [(1, 1), (2, 2), (3, 5)])
def test_what_is_promised_holds(frontends: int, backends: int) -> None:
    assert problems(observation(frontends, backends)) == []


def test_every_pair_is_probed(healthy: Any) -> None:
    """Two outsiders, four hosts, their containers: to two load balancers, four hosts × 4 ports, database, metadata."""
    _claims, cells = judge(healthy)
    outside, hosts, containers = 2 * 19, 4 * (20 - 4), 4 * 20
    assert len(cells) == outside + hosts + containers


def container(seen: Any, host: str) -> Any:
    return seen.hosts[host]["host"]["containers"][0]


def answer(seen: Any, source: str, to: str, port: int, word: str, container: str | None = None) -> None:
    """Let one probe have another answer."""
    result = seen.operator if source in ("operator", "visitor") else seen.hosts[source]["probe"]
    name = source if source in ("operator", "visitor") else "container" if container else "host"
    item = next(i for i in result["probed"] if (i["from"], i["to"], i["port"]) == (name, to, port))
    item["answer"], item["addresses"] = word, dict.fromkeys(item["addresses"], word)


def replies(seen: Any, source: str, question: str) -> Any:
    return seen.asked(source, question)


def rule(seen: Any, group: str, text: str) -> None:
    seen.found["security_groups"][group]["ingress"].append(text)


def connection(seen: Any, host: str) -> Any:
    return seen.hosts[host]["database"]["connections"][0]


def stop(seen: Any, host: str) -> None:
    seen.hosts[host] = {part: {"failed": "Connection timed out"} for part in ("probe", "host", "database")}
    seen.found["instances"][host]["state"] = "stopped"


BREAKS: dict[str, tuple[Break, str]] = {
    "database open to a frontend": (
        lambda s: answer(s, "frontend-1", "database", 5432, "open"),
        "database-only-by-backend: frontend-1 -> database port 5432: must be closed, but the answer was open",
    ),
    "database refuses a frontend instead of being out of reach": (
        lambda s: answer(s, "frontend-1", "database", 5432, "refused"),
        "matrix: frontend-1 -> database port 5432: must be closed, but packets get through (refused by",
    ),
    "backend cannot reach the database": (
        lambda s: answer(s, "backend-2", "database", 5432, "timeout"),
        "matrix: backend-2 -> database port 5432: the matrix allows it (Queries), but the answer was timeout",
    ),
    "backend open to the internet": (
        lambda s: answer(s, "visitor", "backend-1", 5001, "open"),
        "backend-only-by-frontend: visitor -> backend-1 port 5001: must be closed, but the answer was open",
    ),
    "SSH open to everybody": (
        lambda s: answer(s, "visitor", "frontend-2", 22, "open"),
        "matrix: visitor -> frontend-2 port 22: must be closed, but the answer was open",
    ),
    "Docker API open": (
        lambda s: answer(s, "frontend-1", "frontend-1", 2375, "open", "frontend"),
        "matrix: frontend-1 ▸ frontend -> frontend-1 port 2375: must be closed, but the answer was open",
    ),
    "metadata open to a container": (
        lambda s: answer(s, "backend-1", "metadata", 80, "open", "backend"),
        "matrix: backend-1 ▸ backend -> metadata port 80: must be closed, but the answer was open",
    ),
    "rule beyond the matrix": (
        lambda s: rule(s, "database", "tcp 5432 0.0.0.0/0"),
        "group-rules: security group database, ingress: tcp 5432 0.0.0.0/0 is beyond the matrix",
    ),
    "rule missing": (
        lambda s: s.found["security_groups"]["backend"]["ingress"].remove("tcp 5001 internal_alb"),
        "group-rules: security group backend, ingress: tcp 5001 internal_alb is missing",
    ),
    "second group worn": (
        lambda s: s.found["instances"]["backend-1"]["security_groups"].append("sg-other"),
        "groups-worn: backend-1 wears the security groups backend, sg-other, wanted backend alone",
    ),
    "stranger in the backends' group": (
        lambda s: s.found["interfaces"].append(interface("", ["backend", "default"], "mutant")),
        "groups-worn: network interface eni- (mutant) wears the security group backend and belongs to nothing known",
    ),
    "second interface of a host in another group": (
        lambda s: s.found["interfaces"].append(interface("frontend-1", ["backend"])),
        "groups-worn: frontend-1 wears the security groups backend, wanted frontend alone",
    ),
    "interfaces not seen": (
        lambda s: s.found["interfaces"].clear(),
        "groups-worn: database has no network interface",
    ),
    "public address": (
        lambda s: s.found["instances"]["backend-2"].update(public_address="198.51.100.99"),
        "no-public-address: backend-2 has the public address 198.51.100.99",
    ),
    "public address of a second interface": (
        lambda s: s.found["interfaces"].append(interface("backend-1", ["backend"], "", ("198.51.100.98",))),
        "no-public-address: backend-1 has the public address 198.51.100.98",
    ),
    "internal load balancer faces the internet": (
        lambda s: s.found["load_balancers"]["internal"].update(scheme="internet-facing"),
        "schemes: load balancer internal_alb is internet-facing, wanted internal",
    ),
    "extra listener": (
        lambda s: s.found["load_balancers"]["public"]["listeners"].update({"8080": "backend"}),
        "listeners: load balancer public port 8080 leads to backend, wanted no such listener",
    ),
    "rule of a listener": (
        lambda s: s.found["listener_rules"].append(
            {"balancer": "public", "port": "80", "rule": "path-pattern / to redirect"}
        ),
        "listeners: load balancer public port 80 has a rule beyond its default one: path-pattern / to redirect",
    ),
    "backend in the frontend's target group": (
        lambda s: s.found["target_groups"]["frontend"]["targets"].update({"backend-1": "unhealthy"}),
        "targets: target group frontend holds backend-1, which is no frontend",
    ),
    "target on another port": (
        lambda s: s.found["target_groups"]["frontend"]["targets"].update({"frontend-2:5099": "healthy"}),
        "targets: target group frontend holds frontend-2:5099, wanted port 5000",
    ),
    "target on another port alone": (
        lambda s: s.found["target_groups"]["frontend"].update(
            targets={"frontend-1": "healthy", "frontend-2:5099": "healthy"}
        ),
        "targets: frontend-2 is not registered in target group frontend",
    ),
    "target deregistered": (
        lambda s: s.found["target_groups"]["backend"]["targets"].pop("backend-1"),
        "targets: backend-1 is not registered in target group backend",
    ),
    "target unhealthy": (
        lambda s: s.found["target_groups"]["backend"]["targets"].update({"backend-2": "unhealthy"}),
        "targets: backend-2 is unhealthy in target group backend",
    ),
    "database routed to the internet": (
        lambda s: s.found["route_tables"]["isolated"]["routes"].update({"0.0.0.0/0": "internet"}),
        "routes: route table isolated leads 0.0.0.0/0 to internet",
    ),
    "database routed to the internet by IPv6": (
        lambda s: s.found["route_tables"]["isolated"]["other_routes"].update({"::/0": "internet"}),
        "routes: route table isolated leads ::/0 to internet",
    ),
    "database routed to S3": (
        lambda s: s.found["route_tables"]["isolated"]["other_routes"].update({"pl-s3": "vpce-1"}),
        "routes: route table isolated leads pl-s3 to vpce-1",
    ),
    "private subnet routed to the internet gateway by IPv6": (
        lambda s: s.found["route_tables"]["private-2"]["other_routes"].update({"::/0": "internet"}),
        "routes: route table private-2 leads ::/0 to internet",
    ),
    "private subnet routed to another network": (
        lambda s: s.found["route_tables"]["private-2"]["routes"].update({"10.0.0.0/8": "pcx-1"}),
        "routes: route table private-2 leads 10.0.0.0/8 to pcx-1",
    ),
    "public subnet in the database's subnet group": (
        lambda s: s.found["database_subnet_groups"]["database"]["subnets"].append("public-1"),
        "routes: the database's subnet group holds isolated-1, isolated-2, public-1, wanted isolated-1, isolated-2",
    ),
    "another subnet group": (
        lambda s: s.found["database"].update(subnet_group="default"),
        "routes: the database is in the subnet group default, which is not this environment's",
    ),
    "database's subnet without a table of its own": (
        lambda s: s.found["route_tables"]["isolated"]["subnets"].remove("isolated-2"),
        "routes: subnet isolated-2 follows route table the VPC's main one, wanted one of the isolated subnets",
    ),
    "private subnet routed to the internet gateway": (
        lambda s: s.found["route_tables"]["private-1"]["routes"].update({"0.0.0.0/0": "internet"}),
        "routes: route table private-1 leads 0.0.0.0/0 to internet",
    ),
    "another program listens": (
        lambda s: s.hosts["backend-1"]["host"]["listening"].append(
            {"protocol": "tcp", "address": "0.0.0.0", "port": 8000, "process": "python3"}
        ),
        "listening: backend-1: python3 listens on tcp port 8000 of 0.0.0.0, beyond the matrix",
    ),
    "a frontend never answers": (
        lambda s: replies(s, "operator", "public-version").pop(0),
        "frontends-behind-load-balancer: http://public.example.com/version from operator: frontend-1 never answered",
    ),
    "the load balancer answers / itself": (
        lambda s: replies(s, "operator", "public-root")[0].update(text="closed for today"),
        "frontends-behind-load-balancer: http://public.example.com/ from operator: wanted 'Hello world!', got 200 closed",
    ),
    "the load balancer answers 502": (
        lambda s: replies(s, "operator", "public-passthrough")[0].update(status=502),
        "backends-behind-load-balancer: http://public.example.com/passthrough from operator: 1 of 2 failed, 502",
    ),
    "doubled NAME": (
        lambda s: replies(s, "frontend-2", "/version")[0]["json"].update(name="frontend-1"),
        "unique-names: NAME frontend-1 is not unique: frontend-1, frontend-2 answer with it",
    ),
    "wrong VERSION": (
        lambda s: replies(s, "backend-2", "/version")[0]["json"].update(version="9.9.9"),
        "version: backend-2 answers with VERSION 9.9.9, wanted 0.0.1",
    ),
    "separate databases": (
        lambda s: replies(s, "backend-1", "/instances")[0]["json"]["instances"].pop(),
        "database-shared: backend-1 does not see backend-2 in its database: they do not share one",
    ),
    "another database than the deployed one": (
        lambda s: [connection(s, f"backend-{n}").update(host="other.example.com") for n in (1, 2)],
        "database-shared: backend-2 uses the database other.example.com, wanted db.example.com",
    ),
    "no database": (
        lambda s: s.hosts["backend-1"]["database"]["connections"].clear(),
        "database-shared: backend-1 connects to no database",
    ),
    "database not asked": (
        lambda s: s.hosts["backend-1"].update(database={"failed": "Docker does not answer"}),
        "database-shared: backend-1 could not be looked at: Docker does not answer",
    ),
    "database full": (
        lambda s: s.found["database"].update(state="storage-full"),
        "postgresql: the database tandem-test-database is storage-full, which does not serve",
    ),
    "database stopped": (
        lambda s: s.found["database"].update(state="stopped"),
        "postgresql: the database tandem-test-database is stopped, which does not serve",
    ),
    "endpoint missing": (
        lambda s: replies(s, "frontend-1", "/passthrough")[0].update(status=404),
        "frontend-endpoints: frontend-1 /passthrough: wanted 200, got 404",
    ),
    "no greeting": (
        lambda s: replies(s, "frontend-2", "/")[0].update(text="Goodbye"),
        "frontend-endpoints: frontend-2 /: wanted 'Hello world!', got 200 Goodbye",
    ),
    "force_ssl off": (
        lambda s: s.found["database_parameter_groups"]["database"]["values"].update({"rds.force_ssl": "0"}),
        "force-ssl: parameter group database: rds.force_ssl is 0, wanted 1",
    ),
    "connection without TLS accepted": (
        lambda s: connection(s, "backend-1").update(without_tls="accepted"),
        "tls-enforced: backend-1: the database accepts a connection without TLS",
    ),
    "certificate not checked": (
        lambda s: connection(s, "backend-1").update(sslmode="require"),
        "tls-enforced: backend-1: DBCONNECTIONSTRING says sslmode=require, wanted verify-full",
    ),
    "master user": (
        lambda s: connection(s, "backend-1").update(user="tandem_master"),
        "least-rights: backend-1: the application connects as the master user tandem_master",
    ),
    "superuser": (
        lambda s: connection(s, "backend-1").update(rights=["superuser"]),
        "least-rights: backend-1: the application's user tandem_backend has superuser",
    ),
    "database not encrypted": (
        lambda s: s.found["database"].update(encrypted=False),
        "database-encrypted: the database's storage is not encrypted",
    ),
    "database public": (
        lambda s: s.found["database"].update(public=True),
        "database-private: the database is publicly accessible",
    ),
    "volume not encrypted": (
        lambda s: s.found["volumes"]["frontend-1"][0].update(encrypted=False),
        "volumes-encrypted: frontend-1: volume vol-frontend-1 is not encrypted",
    ),
    "hop limit": (
        lambda s: s.found["instances"]["frontend-1"].update(hop_limit=2),
        "metadata-options: frontend-1: the metadata hop limit is 2, wanted 1",
    ),
    "metadata without token": (
        lambda s: replies(s, "frontend-1", "metadata")[0].update(status=200, text="ami-id"),
        "metadata-options: frontend-1: the metadata service answers without a token",
    ),
    "host stopped": (lambda s: stop(s, "frontend-2"), "hosts-running: frontend-2 is stopped, not running"),
    "host out of reach": (
        lambda s: s.hosts.update({"backend-1": {"probe": {"failed": "Connection timed out"}}}),
        "matrix: backend-1 could not be looked at: Connection timed out",
    ),
    "host beyond the number": (
        lambda s: s.wanted.update(backend_count=1),
        "hosts-running: backend-2 is beyond the wanted number of hosts",
    ),
    "second container": (
        lambda s: s.hosts["frontend-1"]["host"]["containers"].append(
            {**copy.deepcopy(container(s, "frontend-1")), "name": "stray", "variables": {"NAME": "frontend-1"}}
        ),
        "one-container: frontend-1 runs the container stray beside its application, which calls itself NAME frontend-1",
    ),
    "container gone": (
        lambda s: container(s, "backend-1").update(running=False),
        "one-container: backend-1 runs no backend container",
    ),
    "container as root": (
        lambda s: container(s, "frontend-1").update(uid=0),
        "unprivileged: frontend-1: container frontend runs as root",
    ),
    "capabilities": (
        lambda s: container(s, "frontend-1").update(capabilities=[10]),
        "unprivileged: frontend-1: container frontend holds 1 capabilities",
    ),
    "writable disk": (
        lambda s: container(s, "frontend-1").update(read_only=False),
        "unprivileged: frontend-1: container frontend has a writable root file system",
    ),
    "different images": (
        lambda s: container(s, "backend-2").update(image="sha256:fedcba9876543210"),
        "same-image: the backends run different images: ",
    ),
    "port published": (
        lambda s: container(s, "frontend-1")["ports"].append("0.0.0.0:8000->5000/tcp"),
        "published: frontend-1: container frontend publishes 0.0.0.0:8000->5000/tcp",
    ),
    "secret in the log": (
        lambda s: s.hosts["backend-1"]["host"]["exposed_secrets"].append("docker logs backend: DBCONNECTIONSTRING"),
        "no-secrets: backend-1: a secret can be read in docker logs backend: DBCONNECTIONSTRING",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_each_break_is_named(healthy: Any, name: str) -> None:
    break_it, message = BREAKS[name]
    break_it(healthy)
    assert [problem for problem in problems(healthy) if problem.startswith(message)], problems(healthy)


@pytest.mark.parametrize("state", ["storage-optimization", "backing-up", "configuring-log-exports"])
def test_a_database_that_serves_beside_other_work_is_green(healthy: Any, state: str) -> None:
    healthy.found["database"]["state"] = state
    assert problems(healthy) == []


@pytest.mark.parametrize("part", ["hosts", "operator"])
def test_nothing_seen_is_not_green(healthy: Any, part: str) -> None:
    """A verification that could not look anywhere must not pass."""
    getattr(healthy, part).clear()
    named = problems(healthy)
    assert any("not probed" in problem or "could not be looked at" in problem for problem in named)
    assert part == "operator" or {"unprivileged", "listening", "tls-enforced"} <= {p.split(":")[0] for p in named}


def test_an_empty_account_is_judged_without_falling_over() -> None:
    empty = observation()
    kinds = {key: {} if isinstance(value, dict) else value for key, value in empty.found.items()}
    nothing = model.Observation(empty.wanted, kinds)
    claims, cells = judge(nothing)
    assert "there is no database instance" in [problem for claim in claims for problem in claim.problems]
    assert "do not hold" in text.render("t", claims, cells)
    assert picture.draw(nothing.found, nothing.wanted).startswith("<svg")


def test_the_wanted_rules_follow_the_matrix(healthy: Any) -> None:
    rules = isolation.wanted_rules(healthy)
    assert rules["database"] == {"ingress": {"tcp 5432 backend"}, "egress": set()}
    assert rules["frontend"]["ingress"] == {"tcp 5000 public_alb", "tcp 22 198.51.100.7/32"}
    assert sum(len(way) for group in rules.values() for way in group.values()) == len(MATRIX) + 5


def test_the_picture_shows_every_host_and_its_health() -> None:
    seen = observation(3, 5)
    seen.found["target_groups"]["backend"]["targets"]["backend-5"] = "draining"
    drawing = picture.draw(seen.found, seen.wanted)
    assert all(f">{name}<" in drawing for name in seen.found["instances"])
    assert "✖ draining" in drawing


def test_the_text_marks_what_differs(healthy: Any) -> None:
    answer(healthy, "visitor", "backend-1", 5001, "open")
    claims, cells = judge(healthy)
    rendered = text.render("title", claims, cells)
    visitor = next(line for line in rendered.splitlines() if line.startswith("  visitor"))
    assert visitor.count(text.DIFFERS) == 1
    assert rendered.endswith("connections tried.")


def test_every_host_is_asked_for_every_endpoint(healthy: Any) -> None:
    asks = access.asks(healthy.found, healthy.wanted, requests=6)
    assert {ask["id"]: ask.get("times", 1) for ask in asks["operator"]} == {
        "public-root": 1,
        "public-version": 12,
        "public-passthrough": 12,
    }
    assert {ask["id"] for ask in asks["frontend-1"]} == {
        "/", "/version", "/passthrough", "/readyz", "metadata", "internal-version",
    }  # fmt: skip
    assert {ask["url"] for ask in asks["backend-2"]} > {"http://10.40.2.14:5001/instances", "http://10.40.2.14:5001/"}
