"""The challenge, sentence by sentence: asked of the running applications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..look import SERVING_DATABASES
from .access import Cell
from .model import Claim, Evidence, Json, Observation, listed

GREETING = "Hello world!"


def judge(observation: Observation, cells: Sequence[Cell]) -> list[Claim]:
    """The challenge's claims. cells: what was probed, for the sentences on who reaches whom."""
    return [
        _behind_public(observation),
        _behind_internal(observation),
        _only_by_frontend(observation, cells),
        _unique_names(observation),
        _versions(observation),
        _postgresql(observation),
        _shared(observation),
        _only_by_backend(observation, cells),
        _endpoints(observation, "frontend", {"/": GREETING, "/version": "", "/passthrough": "", "/readyz": ""}),
        _endpoints(observation, "backend", {"/": GREETING, "/version": "", "/readyz": "", "/instances": ""}),
    ]


def answered_names(replies: Iterable[Json]) -> dict[str, int]:
    """How often each NAME answered with 200."""
    counts: dict[str, int] = {}
    for reply in replies:
        if reply["status"] == 200 and isinstance(reply.get("json"), dict):
            name = str(reply["json"].get("name"))
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def short_answer(replies: Sequence[Json]) -> str:
    """The first reply in one line, as a person would see it."""
    if not replies:
        return "not asked"
    first = replies[0]
    body = " ".join(str(first.get("json", first.get("text", ""))).split())
    return f"{first['status']} {body[:120]}" if first["status"] else f"no answer: {body[:120]}"


def _spread(observation: Observation, source: str, question: str, tier: str) -> tuple[list[str], Evidence, str]:
    """Whether every host of a tier, and nobody else, answered a question put to a load balancer many times."""
    replies, url = observation.asked(source, question), observation.url(source, question)
    counts, wanted = answered_names(replies), observation.names(tier)
    problems = []
    failed = [reply for reply in replies if reply["status"] != 200]
    if not replies:
        problems.append(f"{url} was not asked from {source}")
    if failed:
        problems.append(f"{url} from {source}: {len(failed)} of {len(replies)} failed, {short_answer(failed)}")
    if replies and (missing := [name for name in wanted if name not in counts]):
        problems.append(f"{url} from {source}: {listed(missing)} never answered; {listed(counts)} did")
    if strangers := [name for name in counts if name not in wanted]:
        problems.append(f"{url} from {source}: {listed(strangers)} answered, wanted are {listed(wanted)}")
    seen = ", ".join(f"{name} {count}×" for name, count in counts.items()) or "no answer"
    prefix = "" if source == "operator" else f"ssh {source} "
    ms = max([reply["ms"] for reply in replies], default=None)
    return problems, Evidence(f"{prefix}curl {url}", seen, observation.time(source), ms), seen


def _behind_public(observation: Observation) -> Claim:
    problems, evidence, seen = _spread(observation, "operator", "public-version", "frontend")
    # A rule of the listener can answer one path itself, and leave the others to the frontends.
    replies, url = observation.asked("operator", "public-root"), observation.url("operator", "public-root")
    answer = short_answer(replies)
    if not replies or (replies[0]["status"], replies[0].get("text")) != (200, GREETING):
        problems.append(f"{url} from operator: wanted {GREETING!r}, got {answer}")
    greeting = Evidence(f"curl {url}", answer, observation.time("operator"), replies[0]["ms"] if replies else None)
    return Claim(
        "frontends-behind-load-balancer",
        "challenge",
        f"{observation.wanted['frontend_count']} frontends behind a load balancer",
        seen,
        tuple(problems),
        (evidence, greeting),
    )


def _behind_internal(observation: Observation) -> Claim:
    looks = [_spread(observation, "operator", "public-passthrough", "backend")]
    looks += [_spread(observation, name, "internal-version", "backend") for name in observation.seen_names("frontend")]
    return Claim(
        "backends-behind-load-balancer",
        "challenge",
        f"{observation.wanted['backend_count']} backends behind a load balancer",
        f"through /passthrough: {looks[0][2]}",
        (
            *observation.unseen("probe", tier="frontend"),
            *(problem for problems, _evidence, _seen in looks for problem in problems),
        ),
        tuple(evidence for _problems, evidence, _seen in looks),
    )


def _only_by(cells: Sequence[Cell], identity: str, text: str, tiers: tuple[str, ...], by: str) -> Claim:
    """That the probed cells towards some destinations agree with the matrix."""
    towards = [cell for cell in cells if cell.destination in tiers or cell.destination.rsplit("-", 1)[0] in tiers]
    opened = [cell for cell in towards if cell.answer == "open" and cell.wanted == "open"]
    sources = dict.fromkeys(cell.source.split(" ")[0] for cell in opened)
    # Whoever reaches one of them, in the order of the probes; everything else came back closed.
    seen = f"{len(towards)} probes; open from {listed(sources)} alone" if towards else "not probed"
    problems = [cell.problem for cell in towards if not cell.ok]
    if not towards:
        problems.append(f"nothing was probed towards {by}")
    elif not opened:
        problems.append(f"nobody reaches {by}, so that others cannot proves nothing")
    evidence = tuple(
        Evidence(f"connect from {c.source} to {c.destination}:{c.port}", c.answer, c.at, c.ms) for c in towards
    )
    return Claim(identity, "challenge", text, seen, tuple(problems), evidence)


def _only_by_frontend(observation: Observation, cells: Sequence[Cell]) -> Claim:
    text = "Backend is only accessible by frontend and not by the public internet"
    claim = _only_by(cells, "backend-only-by-frontend", text, ("internal_alb", "backend"), "the backends")
    addresses = {n: i["public_address"] for n, i in observation.instances("backend").items() if i["public_address"]}
    problems = [f"{name} has the public address {address}" for name, address in addresses.items()]
    return Claim(claim.id, claim.section, text, claim.seen, (*claim.problems, *problems), claim.evidence)


def _only_by_backend(observation: Observation, cells: Sequence[Cell]) -> Claim:
    text = "DB instance is only accessible by backend and not by the public internet"
    return _only_by(cells, "database-only-by-backend", text, ("database",), "the database")


def _own_versions(observation: Observation) -> dict[str, Json]:
    """What the application of each host that was looked at answers to /version; {} where it does not."""
    everyone = [*observation.seen_names("frontend"), *observation.seen_names("backend")]
    answers = {}
    for name in everyone:
        replies = observation.asked(name, "/version")
        fits = replies and replies[0]["status"] == 200 and isinstance(replies[0].get("json"), dict)
        answers[name] = replies[0]["json"] if fits else {}
    return answers


def _asked_on_hosts(observation: Observation, question: str, names: Iterable[str]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            f"ssh {name} curl {observation.url(name, question)}",
            short_answer(observation.asked(name, question)),
            observation.time(name),
            max([reply["ms"] for reply in observation.asked(name, question)], default=None),
        )
        for name in names
    )


def _unique_names(observation: Observation) -> Claim:
    answers = _own_versions(observation)
    problems = observation.unseen("probe")
    holders: dict[str, list[str]] = {}
    for host, answer in answers.items():
        name = answer.get("name")
        if name is None:
            problems.append(f"{host}: /version gives no name ({short_answer(observation.asked(host, '/version'))})")
            continue
        holders.setdefault(str(name), []).append(host)
        if name != host:
            problems.append(f"{host} answers with NAME {name}, wanted {host}")
    problems += [
        f"NAME {name} is not unique: {listed(hosts)} answer with it" for name, hosts in holders.items() if hosts[1:]
    ]
    return Claim(
        "unique-names",
        "challenge",
        "All services are configured with and respond with a unique NAME",
        listed(holders),
        tuple(problems),
        _asked_on_hosts(observation, "/version", answers),
    )


def _versions(observation: Observation) -> Claim:
    wanted = str(observation.wanted["app_version"])
    answers = {host: answer for host, answer in _own_versions(observation).items() if answer}
    problems = observation.unseen("probe") + [
        f"{host} answers with VERSION {answer.get('version')}, wanted {wanted}"
        for host, answer in answers.items()
        if str(answer.get("version")) != wanted
    ]
    if not answers:
        problems.append("no host answers to /version")
    seen = listed(sorted({str(answer.get("version")) for answer in answers.values()}))
    evidence = _asked_on_hosts(observation, "/version", answers)
    return Claim(
        "version", "challenge", "All services respond with the configured VERSION", seen, tuple(problems), evidence
    )


def _postgresql(observation: Observation) -> Claim:
    database = observation.found["database"]
    problems = []
    if not database:
        problems.append("there is no database instance")
    elif database["state"] not in SERVING_DATABASES:
        problems.append(f"the database {database['id']} is {database['state']}, which does not serve")
    seen = f"{database['id']}: PostgreSQL {database['engine_version']}, {database['state']}" if database else "none"
    command = f"aws rds describe-db-instances --db-instance-identifier {observation.wanted['name_prefix']}-database"
    evidence = Evidence(command, seen, observation.found.get("at", ""))
    return Claim("postgresql", "challenge", "A PostgreSQL instance is deployed", seen, tuple(problems), (evidence,))


def _shared(observation: Observation) -> Claim:
    """Every backend is configured with the deployed database, and lists all backends: each wrote itself into the one
    that all of them read."""
    backends, lists = observation.names("backend"), {}
    problems = observation.unseen("probe", "database", tier="backend")
    for name in observation.seen_names("backend"):
        replies = observation.asked(name, "/instances")
        content = replies[0].get("json") if replies and replies[0]["status"] == 200 else None
        if not isinstance(content, dict):
            problems.append(f"{name}: /instances does not answer ({short_answer(replies)})")
            continue
        alive = [item["name"] for item in content.get("instances", []) if item.get("alive", True)]
        lists[name] = alive
        if missing := [other for other in backends if other not in alive]:
            problems.append(f"{name} does not see {listed(missing)} in its database: they do not share one")
    endpoint = observation.found["database"].get("endpoint") or "the deployed one"
    used = {name: _databases_used(observation.hosts[name]) for name in observation.looked_at("database", "backend")}
    problems += [f"{name} connects to no database" for name, databases in used.items() if not databases]
    problems += [
        f"{name} uses the database {database}, wanted {endpoint}"
        for name, databases in used.items()
        for database in databases
        if database != endpoint
    ]
    all_used = sorted({database for databases in used.values() for database in databases})
    seen = f"{len(lists)} backends list each other; database {listed(all_used)}"
    evidence = _asked_on_hosts(observation, "/instances", backends)
    return Claim(
        "database-shared", "challenge", "DB instance is shared by all backends", seen, tuple(problems), evidence
    )


def _databases_used(seen: Json) -> list[str]:
    """The databases that a host's containers are configured with."""
    return [str(connection.get("host") or "unknown") for connection in seen["database"]["connections"]]


def _endpoints(observation: Observation, tier: str, paths: dict[str, str]) -> Claim:
    """Each endpoint of each host of a tier answers 200, and with the wanted text where there is one."""
    problems = observation.unseen("probe", tier=tier)
    for host in observation.seen_names(tier):
        for path, text in paths.items():
            replies = observation.asked(host, path)
            if not replies or replies[0]["status"] != 200:
                problems.append(f"{host} {path}: wanted 200, got {short_answer(replies)}")
            elif text and replies[0].get("text") != text:
                problems.append(f"{host} {path}: wanted {text!r}, got {short_answer(replies)}")
    evidence = [item for path in paths for item in _asked_on_hosts(observation, path, observation.seen_names(tier))]
    seen = f"{listed(paths)} on {listed(observation.seen_names(tier))}"
    return Claim(
        f"{tier}-endpoints", "challenge", f"All endpoints of the {tier} answer", seen, tuple(problems), tuple(evidence)
    )
