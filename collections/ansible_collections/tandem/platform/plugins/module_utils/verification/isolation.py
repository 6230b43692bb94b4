"""Isolation: the probed matrix, the security groups behind it, addresses, routes, load balancers and their targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .access import Cell, balancer_tier
from .model import Claim, Evidence, Observation, listed

Finding = tuple[str, list[str], str]  # what was seen, problems, the command that shows it

TIERS = ("public_alb", "frontend", "internal_alb", "backend", "database")


def judge(observation: Observation, cells: Sequence[Cell]) -> list[Claim]:
    """The claims of this section, in the order of a reader's interest."""
    found: list[tuple[str, str, Callable[[Observation], Finding]]] = [
        ("group-rules", "Security groups hold the rules of the matrix and no other", _group_rules),
        ("groups-worn", "Everything wears the group of its tier and no other", _groups_worn),
        ("no-public-address", "No backend has a public address", _public_addresses),
        ("schemes", "One load balancer faces the internet, one is internal", _schemes),
        ("listeners", "Load balancers listen on port 80 alone, each for its own tier", _listeners),
        ("targets", "Each target group holds the hosts of its tier, all healthy", _targets),
        ("routes", "Backends have no route from the internet, the database has none at all", _routes),
        ("listening", "Hosts listen on no port beyond the matrix", _listening),
    ]
    return [_matrix(observation, cells), *(_claim(observation, *item) for item in found)]


def _claim(observation: Observation, identity: str, text: str, look: Callable[[Observation], Finding]) -> Claim:
    seen, problems, command = look(observation)
    evidence = Evidence(command, seen, observation.found.get("at", ""))
    return Claim(identity, "isolation", text, seen, tuple(problems), (evidence,))


def _matrix(observation: Observation, cells: Sequence[Cell]) -> Claim:
    judged = [cell for cell in cells if cell.wanted != "own"]
    opened = sum(cell.wanted == "open" for cell in judged)
    problems = [cell.problem for cell in judged if not cell.ok]
    unseen = _not_probed(observation, cells)
    if not opened:
        unseen.append("no connection that the matrix allows was probed")
    seen = f"{len(judged)} connections tried: {opened} allowed, {len(judged) - opened} denied"
    evidence = tuple(
        Evidence(f"connect from {c.source} to {c.destination}:{c.port}", f"{c.answer} (wanted {c.wanted})", c.at, c.ms)
        for c in judged
    )
    text = "Every source reaches exactly the destinations that the matrix allows"
    return Claim("matrix", "isolation", text, seen, (*unseen, *problems), evidence)


def _not_probed(observation: Observation, cells: Sequence[Cell]) -> list[str]:
    """Sources from which nothing was tried: the operator's machine, a wanted host, the inside of its container."""
    sources = {cell.source for cell in cells}
    problems = []
    if "operator" not in sources:
        problems.append(f"the internet was not probed: {observation.operator.get('failed') or 'no answer'}")
    problems += observation.unseen("probe")
    for name in (*observation.seen_names("frontend"), *observation.seen_names("backend")):
        if not any(source.startswith(f"{name} ▸ ") for source in sources):
            problems.append(f"the inside of a container of {name} was not probed: it runs none")
    return problems


def wanted_rules(observation: Observation) -> dict[str, dict[str, set[str]]]:
    """Group -> ingress and egress -> rules as the survey writes them, for example `tcp 5000 public_alb`."""
    outside = {"internet": "0.0.0.0/0", "admin": observation.wanted["admin_cidr"]}
    rules: dict[str, dict[str, set[str]]] = {tier: {"ingress": set(), "egress": set()} for tier in TIERS}
    for entry in observation.wanted["access_matrix"]:
        service = f"{entry.get('protocol', 'tcp')} {entry['port']}"
        if entry["to"] in rules:
            rules[entry["to"]]["ingress"].add(f"{service} {outside.get(entry['from'], entry['from'])}")
        if entry["from"] in rules:
            rules[entry["from"]]["egress"].add(f"{service} {outside.get(entry['to'], entry['to'])}")
    return rules


def _group_rules(observation: Observation) -> Finding:
    groups, problems, count = observation.found["security_groups"], [], 0
    for tier, directions in wanted_rules(observation).items():
        if tier not in groups:
            problems.append(f"there is no security group {tier}")
            continue
        for direction, wanted in directions.items():
            found = set(groups[tier][direction])
            count += len(found)
            problems += [
                f"security group {tier}, {direction}: {rule} is beyond the matrix" for rule in sorted(found - wanted)
            ]
            problems += [f"security group {tier}, {direction}: {rule} is missing" for rule in sorted(wanted - found)]
    command = f"aws ec2 describe-security-groups --filters Name=vpc-id,Values={observation.found['vpc'].get('id')}"
    return f"{count} rules in {len(groups)} groups", problems, command


def _groups_worn(observation: Observation) -> Finding:
    problems = []
    wearers = {name: (item["tier"], item["security_groups"]) for name, item in observation.instances().items()}
    for name, item in observation.found["load_balancers"].items():
        wearers[name] = (balancer_tier(name), item["security_groups"])
    if database := observation.found["database"]:
        wearers["database"] = ("database", database["security_groups"])
    worn, interfaces = list(wearers.items()), observation.found["interfaces"]
    # What the VPC holds, whosever it is: a group lets in whoever wears it.
    for item in interfaces:
        if item["owner"] in wearers:
            worn.append((item["owner"], (wearers[item["owner"]][0], item["groups"])))
        elif of_tiers := [group for group in item["groups"] if group in TIERS]:
            what = f"network interface {item['id']} ({item['description'] or 'without a description'})"
            problems.append(f"{what} wears the security group {listed(of_tiers)} and belongs to nothing known")
    problems += [
        f"{name} wears the security groups {listed(groups)}, wanted {tier} alone"
        for name, (tier, groups) in worn
        if groups != [tier]
    ]
    owners = {item["owner"] for item in interfaces}
    problems += [f"{name} has no network interface" for name in wearers if name not in owners]
    command = f"aws ec2 describe-network-interfaces --filters Name=vpc-id,Values={observation.found['vpc'].get('id')}"
    return f"{len(interfaces)} interfaces' groups", list(dict.fromkeys(problems)), command


def _public_addresses(observation: Observation) -> Finding:
    backends = observation.instances("backend")
    addresses = {(name, item["public_address"]) for name, item in backends.items() if item["public_address"]}
    # A second interface, or a second private address of the first one, can have a public address of its own.
    worn = [item for item in observation.found["interfaces"] if item["owner"] in backends]
    addresses |= {(item["owner"], address) for item in worn for address in item["public_addresses"]}
    problems = [f"{name} has the public address {address}" for name, address in sorted(addresses)]
    seen = ", ".join(f"{name} {item['private_address']}" for name, item in backends.items())
    return seen, problems, "aws ec2 describe-instances --filters Name=tag:Tier,Values=backend"


def _schemes(observation: Observation) -> Finding:
    wanted = {"public_alb": "internet-facing", "internal_alb": "internal"}
    found = {balancer_tier(name): item for name, item in observation.found["load_balancers"].items()}
    problems = [f"there is no load balancer {tier}" for tier in wanted if tier not in found]
    for tier, item in found.items():
        if item["scheme"] != wanted.get(tier):
            problems.append(
                f"load balancer {tier} is {item['scheme']}, wanted {wanted.get(tier, 'no such load balancer')}"
            )
        if item["state"] != "active":
            problems.append(f"load balancer {tier} is {item['state']}, wanted active")
    seen = ", ".join(f"{tier}: {item['scheme']}, {item['state']}" for tier, item in found.items())
    return seen, problems, "aws elbv2 describe-load-balancers"


def _listeners(observation: Observation) -> Finding:
    tiers, problems, seen = {"public_alb": "frontend", "internal_alb": "backend"}, [], []
    for name, item in observation.found["load_balancers"].items():
        wanted = {"80": tiers.get(balancer_tier(name), "")}
        for port, target in sorted(item["listeners"].items()):
            group = target or "no target group"
            seen.append(f"{name}:{port} to {group}")
            if wanted.get(port) != group:
                problems.append(
                    f"load balancer {name} port {port} leads to {group}, wanted {wanted.get(port, 'no such listener')}"
                )
        problems += [
            f"load balancer {name} has no listener on port {port}" for port in wanted if port not in item["listeners"]
        ]
    problems += [
        f"load balancer {item['balancer']} port {item['port']} has a rule beyond its default one: {item['rule']}"
        for item in observation.found["listener_rules"]
    ]
    return listed(seen), problems, "aws elbv2 describe-listeners; aws elbv2 describe-rules"


def _targets(observation: Observation) -> Finding:
    problems, seen = [], []
    for tier in ("frontend", "backend"):
        group = observation.found["target_groups"].get(tier)
        if group is None:
            problems.append(f"there is no target group {tier}")
            continue
        wanted, targets = observation.names(tier), group["targets"]
        for name in (name for name in targets if name not in wanted):
            # A target on another port than the group's is named with it.
            host, _colon, port = name.partition(":")
            known = port and host in wanted
            differs = f"wanted port {observation.port(tier)}" if known else f"which is no {tier}"
            problems.append(f"target group {tier} holds {name}, {differs}")
        problems += [f"{name} is not registered in target group {tier}" for name in wanted if name not in targets]
        problems += [
            f"{name} is {state} in target group {tier}" for name, state in targets.items() if state != "healthy"
        ]
        seen += [f"{name} {state}" for name, state in targets.items()]
    return listed(seen), problems, "aws elbv2 describe-target-health"


def _routes(observation: Observation) -> Finding:
    """A private subnet may lead out through a NAT gateway and to the gateway endpoint, an isolated one nowhere. Each
    follows a table of its kind: the VPC's main one, which all others follow, is nobody's here."""
    problems, seen = [], []
    endpoints = {item["id"] for item in observation.found["endpoints"].values()}
    ways_out = {"blackhole", *observation.found["nat_gateways"], *endpoints}
    for name, table in observation.found["route_tables"].items():
        kind, routes = name.split("-")[0], {**table["routes"], **table["other_routes"]}
        seen.append(f"{name}: {listed(f'{destination} to {target}' for destination, target in routes.items())}")
        for destination, target in routes.items():
            if kind == "isolated" or (kind == "private" and target not in ways_out):
                problems.append(f"route table {name} leads {destination} to {target}")
    tables = {subnet: name for name, table in observation.found["route_tables"].items() for subnet in table["subnets"]}
    for subnet in observation.found["subnets"]:
        kind, table = subnet.split("-")[0], tables.get(subnet, "the VPC's main one")
        if table.split("-")[0] != kind:
            problems.append(f"subnet {subnet} follows route table {table}, wanted one of the {kind} subnets")
    homes = {"frontend": "public", "backend": "private"}
    for name, item in observation.instances().items():
        if not item["subnet"].startswith(homes.get(item["tier"], "")):
            problems.append(f"{name} is in subnet {item['subnet']}, wanted {homes[item['tier']]}")
    problems += _database_subnets(observation)
    return "; ".join(seen), problems, "aws ec2 describe-route-tables; aws rds describe-db-subnet-groups"


def _database_subnets(observation: Observation) -> list[str]:
    """RDS may put a database into any subnet of its group, at once or when it moves to another zone."""
    if not (database := observation.found["database"]):
        return []
    name, groups = database["subnet_group"], observation.found["database_subnet_groups"]
    if name not in groups:
        return [f"the database is in the subnet group {name}, which is not this environment's"]
    wanted = sorted(subnet for subnet in observation.found["subnets"] if subnet.startswith("isolated-"))
    held = groups[name]["subnets"]
    return [] if held == wanted else [f"the database's subnet group holds {listed(held)}, wanted {listed(wanted)}"]


def _listening(observation: Observation) -> Finding:
    """Loopback aside, a host listens for SSH and its application. UDP is of interest where a container asks for it."""
    problems, seen = observation.unseen("host"), []
    for name, looked in observation.hosts.items():
        tier = observation.instances().get(name, {}).get("tier", name.rsplit("-", 1)[0])
        allowed = {*map(int, observation.wanted["host_ports"]), observation.port(tier)}
        for socket in looked.get("host", {}).get("listening", []):
            if socket["address"].startswith("127.") or socket["address"] == "::1":
                continue
            published = socket["process"] == "docker-proxy"
            if (socket["protocol"] == "tcp" or published) and socket["port"] not in allowed:
                where = f"{socket['protocol']} port {socket['port']} of {socket['address']}"
                problems.append(f"{name}: {socket['process'] or 'a process'} listens on {where}, beyond the matrix")
        seen.append(f"{name} {listed(sorted(allowed))}")
    return "; ".join(seen), problems, "ss --listening --tcp --udp --numeric --processes"
