"""Who reaches whom: the probes that follow from the access matrix, and the comparison of their answers with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .model import Json, Observation

METADATA_ADDRESS = "169.254.169.254"
SSH = 22
DOCKER_API = (2375, 2376)
# An answer that means: nothing came back, or the way there does not exist.
CLOSED = ("timeout", "unreachable", "prohibited", "private", "no address")


@dataclass(frozen=True)
class Source:
    """Where a probe comes from. identities: the matrix's names for it. container: None for the host itself."""

    name: str
    identities: frozenset[str]
    host: str | None = None
    container: str | None = None

    @property
    def inside(self) -> bool:
        return self.host is not None


@dataclass(frozen=True)
class Cell:
    """One source, one destination and port. wanted: open, closed, or own (the host itself, which no group guards)."""

    source: str
    destination: str
    port: int
    wanted: str
    answer: str
    ok: bool
    addresses: tuple[tuple[str, str], ...]
    ms: float
    at: str
    why: str

    @property
    def problem(self) -> str:
        """What differs, in a sentence."""
        where = f"{self.source} -> {self.destination} port {self.port}"
        if self.wanted == "open":
            return f"{where}: the matrix allows it ({self.why}), but the answer was {self.answer}"
        if self.answer == "refused":
            return f"{where}: must be closed, but packets get through (refused by the destination itself)"
        return f"{where}: must be closed, but the answer was {self.answer}"


def probes(found: Json, wanted: Json, outside: bool) -> list[Json]:
    """The probes of one source, as the module verify_probe takes them.

    outside: for the operator's machine, which knows hosts by their public address where they have one.
    """
    planned = [
        {"to": balancer_tier(name), "host": balancer["dns_name"], "port": 80}
        for name, balancer in found["load_balancers"].items()
    ]
    for name, instance in sorted(found["instances"].items(), key=lambda item: (item[1]["tier"] != "frontend", item[0])):
        public = instance["public_address"] if outside else ""
        address = public or instance["private_address"]
        tier = instance["tier"]
        listed = [int(rule["port"]) for rule in wanted.get("access_matrix", []) if rule["to"] == tier]
        ports = dict.fromkeys((int(wanted.get(f"{tier}_port", 80)), SSH, *DOCKER_API, *listed))
        planned += [{"to": name, "host": address, "port": port} for port in ports if address]
    if found["database"].get("endpoint"):
        planned.append({"to": "database", "host": found["database"]["endpoint"], "port": found["database"]["port"]})
    if not outside:
        planned.append({"to": "metadata", "host": METADATA_ADDRESS, "port": 80, "kind": "metadata"})
    return planned


PATHS = {
    "frontend": ("/", "/version", "/passthrough", "/readyz"),
    "backend": ("/", "/version", "/readyz", "/instances"),
}


def asks(found: Json, wanted: Json, requests: int) -> dict[str, list[Json]]:
    """What each host, and the operator, asks. requests: how often a load balancer, for each host behind it."""
    urls = {balancer_tier(name): f"http://{item['dns_name']}" for name, item in found["load_balancers"].items()}
    times = {tier: requests * max(1, int(wanted[f"{tier}_count"])) for tier in PATHS}
    questions: dict[str, list[Json]] = {"operator": []}
    if url := urls.get("public_alb"):
        questions["operator"] = [
            {"id": "public-root", "url": f"{url}/"},
            {"id": "public-version", "url": f"{url}/version", "times": times["frontend"]},
            {"id": "public-passthrough", "url": f"{url}/passthrough", "times": times["backend"]},
        ]
    for name, item in found["instances"].items():
        base = f"http://{item['private_address']}:{wanted.get(item['tier'] + '_port')}"
        own: list[Json] = [{"id": path, "url": f"{base}{path}"} for path in PATHS.get(item["tier"], ())]
        own.append({"id": "metadata", "url": f"http://{METADATA_ADDRESS}/latest/meta-data/"})
        if item["tier"] == "frontend" and "internal_alb" in urls:
            url = f"{urls['internal_alb']}/version"
            own.append({"id": "internal-version", "url": url, "times": times["backend"]})
        questions[name] = own
    return questions


def balancer_tier(name: str) -> str:
    """The matrix's name of a load balancer: public and public-alb are public_alb."""
    return f"{name.removesuffix('-alb').replace('-', '_')}_alb"


def cells(observation: Observation) -> list[Cell]:
    """Every probe that was made, judged by the matrix; a host probing its own address is left out."""
    judged = []
    for source, result in _results(observation):
        for item in result["probed"]:
            if item["to"] == source.host and source.container is None:
                continue
            wanted, why = expected(observation, source, item["to"], item["port"])
            judged.append(
                Cell(
                    source=source.name,
                    destination=item["to"],
                    port=item["port"],
                    wanted=wanted,
                    answer=item["answer"],
                    ok=_agrees(wanted, item, own=item["to"] == source.host),
                    addresses=tuple(sorted(item["addresses"].items())),
                    ms=item["ms"],
                    at=result.get("at", ""),
                    why=why,
                )
            )
    return judged


def _results(observation: Observation) -> Iterable[tuple[Source, Json]]:
    """Each source with its own part of what was probed."""
    everyone = [(None, observation.operator), *((n, seen.get("probe", {})) for n, seen in observation.hosts.items())]
    for host, result in everyone:
        probed = result.get("probed", [])
        for name, container in dict.fromkeys((item["from"], item["container"]) for item in probed):
            part = [item for item in probed if (item["from"], item["container"]) == (name, container)]
            yield _source(observation, host, name, container), {"probed": part, "at": result.get("at", "")}


def _source(observation: Observation, host: str | None, name: str, container: str | None) -> Source:
    if host is None:
        identities = {"internet", "admin"} if name == "operator" else {"internet"}
        return Source(name, frozenset(identities))
    tier = observation.instances().get(host, {}).get("tier", host.rsplit("-", 1)[0])
    return Source(f"{host} ▸ {container}" if container else host, frozenset({tier}), host, container)


def expected(observation: Observation, source: Source, destination: str, port: int) -> tuple[str, str]:
    """(open, closed or own; why)."""
    if destination == "metadata":
        if source.container:
            return "closed", "the metadata service is for the host alone"
        return "open", "the host's own metadata service"
    if destination == source.host and port not in DOCKER_API:
        return "own", "a container and its own host"
    tier = observation.instances().get(destination, {}).get("tier", destination)
    matrix = observation.wanted["access_matrix"]
    entry = next(
        (
            rule
            for rule in matrix
            if rule["to"] == tier and int(rule["port"]) == port and rule["from"] in source.identities | {"internet"}
        ),
        None,
    )
    if entry is None:
        return "closed", "not in the matrix"
    if source.inside and not _may_leave(observation, source, tier, port):
        return "closed", "its own group lets nothing out to there"
    return "open", entry.get("why", "")


def _may_leave(observation: Observation, source: Source, tier: str, port: int) -> bool:
    """Whether a host's own group, and its way to the internet, let a packet out to a tier."""
    exits = [
        rule["to"]
        for rule in observation.wanted["access_matrix"]
        if rule["from"] in source.identities and int(rule["port"]) == port
    ]
    if tier == "public_alb":
        host = observation.instances().get(source.host or "", {})
        return "internet" in exits and bool(host.get("public_address") or observation.found["nat_gateways"])
    return tier in exits or "internet" in exits


def _agrees(wanted: str, item: Json, own: bool) -> bool:
    """Whether an answer is the wanted one. Open means that each address of the destination is.

    Refused by another host means that its group let the packet through. A host may well refuse its own container.
    """
    answers = set(item["addresses"].values()) or {item["answer"]}
    if wanted == "open":
        return answers == {"open"}
    if wanted == "own":
        return True
    refusal_is_closed = own or item["to"] == "metadata"
    return answers <= {*CLOSED, *(("refused", "reset") if refusal_is_closed else ())}
