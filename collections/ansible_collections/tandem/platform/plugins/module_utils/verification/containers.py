"""Containers: what the kernel and Docker say of them on each host."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .model import Claim, Evidence, Json, Observation, listed

Finding = tuple[str, list[str], tuple[Evidence, ...]]  # what was seen, problems, evidence


def judge(observation: Observation) -> list[Claim]:
    """The claims on containers."""
    looks: list[tuple[str, str, str, Callable[[Observation], Finding]]] = [
        ("one-container", "containers", "Each host runs one application container, and nothing else", _one_container),
        (
            "unprivileged",
            "containers",
            "No container runs as root, with capabilities or on a writable disk",
            _privileged,
        ),
        ("same-image", "containers", "All hosts of a tier run the same image", _same_image),
        ("published", "containers", "Containers publish the application's port and no other", _published),
        (
            "no-secrets",
            "containers",
            "The database password shows in no arguments, docker inspect, log or file",
            _no_secrets,
        ),
    ]
    claims, unseen = [], observation.unseen("host")
    for identity, section, text, look in looks:
        seen, problems, evidence = look(observation)
        claims.append(Claim(identity, section, text, seen, (*unseen, *problems), evidence))
    return claims


def _containers(observation: Observation) -> Iterable[tuple[str, list[Json]]]:
    """(host, its containers) of each host that could be looked at."""
    for name, looked in observation.hosts.items():
        if "containers" in looked.get("host", {}):
            yield name, looked["host"]["containers"]


def _inspected(observation: Observation, host: str, container: str, answer: str) -> Evidence:
    return Evidence(f"ssh {host} sudo docker inspect {container}", answer, observation.time(host, "host"))


def _one_container(observation: Observation) -> Finding:
    problems, evidence = [], []
    for host, containers in _containers(observation):
        tier = host.rsplit("-", 1)[0]
        running = [container for container in containers if container["running"]]
        own = [container for container in running if container["name"].startswith(tier)]
        others = [container for container in running if container not in own[:1]]
        if not own:
            problems.append(f"{host} runs no {tier} container")
        for container in others:
            name = container["variables"].get("NAME")
            says = f", which calls itself NAME {name}" if name else ""
            problems.append(f"{host} runs the container {container['name']} beside its application{says}")
        seen = listed(f"{c['name']} ({c['state']})" for c in containers)
        evidence.append(Evidence(f"ssh {host} sudo docker ps --all", seen, observation.time(host, "host")))
    return f"{len(evidence)} hosts looked at", problems, tuple(evidence)


def _privileged(observation: Observation) -> Finding:
    problems, evidence = [], []
    for host, containers in _containers(observation):
        for container in (item for item in containers if item["running"]):
            found = list(_privileges(container))
            problems += [f"{host}: container {container['name']} {what}" for what in found]
            answer = listed(found) if found else f"uid {container.get('uid')}, no capabilities, read-only"
            evidence.append(_inspected(observation, host, container["name"], answer))
    seen = f"{len(evidence)} containers: {'as wanted' if not problems else listed(problems)}"
    return seen, problems, tuple(evidence)


def _privileges(container: Json) -> Iterable[str]:
    """What a container has and should not have."""
    if container.get("uid", 0) == 0:
        yield "runs as root"
    if container.get("capabilities"):
        yield f"holds {len(container['capabilities'])} capabilities"
    if not container.get("no_new_privileges"):
        yield "may gain new privileges"
    if not container.get("read_only"):
        yield "has a writable root file system"
    if container["privileged"]:
        yield "is privileged"
    if container["docker_socket"]:
        yield "has the Docker socket"
    if container["network"] == "host" or container["pid_mode"] == "host":
        yield "shares the host's namespaces"


def _same_image(observation: Observation) -> Finding:
    images: dict[str, dict[str, list[str]]] = {"frontend": {}, "backend": {}}
    evidence = []
    for host, containers in _containers(observation):
        tier = host.rsplit("-", 1)[0]
        for container in containers:
            if container["running"] and container["name"].startswith(tier):
                images.setdefault(tier, {}).setdefault(container["image"], []).append(host)
                answer = f"{container['image_name']} ({container['image'][7:19]})"
                evidence.append(_inspected(observation, host, container["name"], answer))
    problems = [
        f"the {tier}s run different images: "
        + "; ".join(f"{image[7:19]} on {listed(hosts)}" for image, hosts in sorted(found.items()))
        for tier, found in images.items()
        if len(found) > 1
    ]
    seen = ", ".join(f"{tier} {listed(image[7:19] for image in found)}" for tier, found in images.items())
    return seen, problems, tuple(evidence)


def _published(observation: Observation) -> Finding:
    problems, evidence = [], []
    for host, containers in _containers(observation):
        port = observation.port(host.rsplit("-", 1)[0])
        for container in containers:
            wrong = [published for published in container["ports"] if f":{port}->" not in published]
            problems += [f"{host}: container {container['name']} publishes {published}" for published in wrong]
            evidence.append(Evidence(f"ssh {host} sudo docker port {container['name']}", listed(container["ports"])))
    return f"{len(evidence)} containers' ports", problems, tuple(evidence)


def _no_secrets(observation: Observation) -> Finding:
    problems, evidence = [], []
    for host, looked in observation.hosts.items():
        found = looked.get("host", {}).get("exposed_secrets")
        if found is None:
            continue
        problems += [f"{host}: a secret can be read in {where}" for where in found]
        command = f"ssh {host} 'sudo ps axww; sudo docker inspect …; sudo docker logs …'"
        evidence.append(Evidence(command, listed(found), observation.time(host, "host")))
    return f"{len(evidence)} hosts searched", problems, tuple(evidence)
