"""Database and hosts: what the account, the hosts and the database itself say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .access import METADATA_ADDRESS
from .challenge import short_answer
from .model import Claim, Evidence, Json, Observation, listed

Finding = tuple[str, list[str], tuple[Evidence, ...]]  # what was seen, problems, evidence


def judge(observation: Observation) -> list[Claim]:
    """The claims on the database and the hosts."""
    looks: list[tuple[str, str, str, Callable[[Observation], Finding]]] = [
        ("force-ssl", "database", "The database's parameter rds.force_ssl is on", _force_ssl),
        ("tls-enforced", "database", "A connection without TLS is refused, with TLS it is verified", _tls),
        ("least-rights", "database", "The application's user is not the master and has no rights beyond need", _rights),
        ("database-encrypted", "database", "The database's storage is encrypted", _database_encrypted),
        ("database-private", "database", "The database is not publicly accessible", _database_private),
        ("hosts-running", "hosts", "As many hosts run as are wanted, and each could be looked at", _hosts_running),
        ("volumes-encrypted", "hosts", "Every volume is encrypted", _volumes),
        ("metadata-options", "hosts", "The metadata service wants a token and answers one hop away", _metadata),
    ]
    claims = []
    for identity, section, text, look in looks:
        seen, problems, evidence = look(observation)
        claims.append(Claim(identity, section, text, seen, tuple(problems), evidence))
    return claims


def _account(observation: Observation, command: str, answer: str) -> tuple[Evidence, ...]:
    return (Evidence(f"aws {command}", answer, observation.found.get("at", "")),)


def _force_ssl(observation: Observation) -> Finding:
    name = observation.found["database"].get("parameter_group", "")
    value = (
        observation.found["database_parameter_groups"].get(name, {}).get("values", {}).get("rds.force_ssl", "not set")
    )
    problems = [] if value == "1" else [f"parameter group {name or 'of nobody'}: rds.force_ssl is {value}, wanted 1"]
    seen = f"rds.force_ssl = {value} in {name}"
    command = f"rds describe-db-parameters --db-parameter-group-name {observation.wanted['name_prefix']}-{name}"
    return seen, problems, _account(observation, command, seen)


def _connections(observation: Observation) -> Iterable[tuple[str, Json]]:
    """(host, how one of its containers connects to the database)."""
    for name in observation.names("backend"):
        for connection in observation.hosts.get(name, {}).get("database", {}).get("connections", []):
            yield name, connection


def _tls(observation: Observation) -> Finding:
    problems, evidence, versions = observation.unseen("database", tier="backend"), [], set()
    for host, connection in _connections(observation):
        at = observation.time(host, "database")
        refused = connection.get("without_tls", "not tried")
        if "failed" in connection:
            problems.append(f"{host}: its own connection to the database fails: {connection['failed']}")
        else:
            versions.add(connection["tls"] or "none")
            if not connection["tls"]:
                problems.append(f"{host}: its connection to the database is not encrypted")
            if connection["sslmode"] != "verify-full":
                problems.append(f"{host}: DBCONNECTIONSTRING says sslmode={connection['sslmode']}, wanted verify-full")
        if refused == "accepted":
            problems.append(f"{host}: the database accepts a connection without TLS")
        elif "encryption" not in refused and "failed" not in connection:
            problems.append(
                f"{host}: without TLS the database answered {refused!r}, wanted a refusal for want of encryption"
            )
        where = f"ssh {host} docker exec {connection['container']} psql"
        evidence.append(Evidence(f"{where} sslmode=verify-full", connection.get("tls") or "no TLS", at))
        evidence.append(Evidence(f"{where} sslmode=disable", refused, at))
    if not evidence and not problems:
        problems.append("no backend has a connection to try")
    return f"{listed(sorted(versions))}, refused without", problems, tuple(evidence)


def _rights(observation: Observation) -> Finding:
    master = observation.found["database"].get("master_username", observation.wanted["db_master_username"])
    problems, evidence, users = observation.unseen("database", tier="backend"), [], set()
    for host, connection in _connections(observation):
        user = connection.get("user")
        if user is None:
            problems.append(f"{host}: the database could not be asked who the application is")
            continue
        users.add(user)
        if user == master:
            problems.append(f"{host}: the application connects as the master user {master}")
        if connection["rights"]:
            problems.append(f"{host}: the application's user {user} has {listed(connection['rights'])}")
        answer = f"{user}; rights beyond its tables: {listed(connection['rights'])}"
        command = f"ssh {host} docker exec {connection['container']} psql -c 'select current_user'"
        evidence.append(Evidence(command, answer, observation.time(host, "database")))
    if not users and not problems:
        problems.append("no backend has a connection to ask")
    return f"{listed(sorted(users))} (master: {master})", problems, tuple(evidence)


def _database_encrypted(observation: Observation) -> Finding:
    problems = [] if observation.found["database"].get("encrypted") else ["the database's storage is not encrypted"]
    seen = "not encrypted" if problems else "encrypted"
    return seen, problems, _account(observation, "rds describe-db-instances", f"StorageEncrypted: {not problems}")


def _database_private(observation: Observation) -> Finding:
    public = observation.found["database"].get("public", False)
    problems = ["the database is publicly accessible"] if public else []
    seen = f"PubliclyAccessible: {public}"
    return seen, problems, _account(observation, "rds describe-db-instances", seen)


def _hosts_running(observation: Observation) -> Finding:
    problems, wanted = [], [*observation.names("frontend"), *observation.names("backend")]
    instances = observation.instances()
    problems += [f"{name} does not exist" for name in wanted if name not in instances]
    problems += [f"{name} is beyond the wanted number of hosts" for name in instances if name not in wanted]
    strangers = observation.found["strangers"]
    problems += [f"{stranger} has the environment's tags and is not its host" for stranger in strangers]
    problems += [
        f"{name} is {item['state']}, not running" for name, item in instances.items() if item["state"] != "running"
    ]
    problems += observation.unseen("probe", "host")
    seen = ", ".join(f"{name} {item['state']}" for name, item in instances.items())
    return seen, problems, _account(observation, "ec2 describe-instances", seen)


def _volumes(observation: Observation) -> Finding:
    volumes = observation.found["volumes"]
    problems = [
        f"{name}: volume {volume['id']} is not encrypted"
        for name, items in volumes.items()
        for volume in items
        if not volume["encrypted"]
    ]
    problems += [f"{name} has no volume" for name in observation.instances() if not volumes.get(name)]
    seen = f"{sum(map(len, volumes.values()))} volumes"
    return seen, problems, _account(observation, "ec2 describe-volumes", seen)


def _metadata(observation: Observation) -> Finding:
    problems, evidence = [], []
    for name, item in observation.instances().items():
        if item["http_tokens"] != "required":
            problems.append(f"{name}: metadata tokens are {item['http_tokens']}, wanted required")
        if item["hop_limit"] != 1:
            problems.append(f"{name}: the metadata hop limit is {item['hop_limit']}, wanted 1")
        replies = observation.asked(name, "metadata")
        if replies and replies[0]["status"] != 401:
            problems.append(f"{name}: the metadata service answers without a token: {short_answer(replies)}")
        if replies:
            command = f"ssh {name} curl http://{METADATA_ADDRESS}/latest/meta-data/"
            evidence.append(Evidence(command, str(replies[0]["status"]), observation.time(name), replies[0]["ms"]))
    seen = listed(
        sorted({f"tokens {i['http_tokens']}, hop limit {i['hop_limit']}" for i in observation.instances().values()})
    )
    return seen, problems, (*_account(observation, "ec2 describe-instances", seen), *evidence)
