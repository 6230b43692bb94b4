"""Mutants of containers: the application's container is replaced by one that differs in a single thing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from tests.mutants import mutant
from tests.mutants.deployment import Deployment

RUN_LIKE = (Path(__file__).parent / "run_like.py").read_text()


@contextmanager
def replaced(deployment: Deployment, host: str, beside: bool = False, **changes: object) -> Iterator[None]:
    """The application's container of a host, run with changes (see run_like.py). beside: the original goes on too."""
    original = deployment.application(host)
    name = f"{host.rsplit('-', 1)[0]}-mutant"
    if not beside:
        deployment.run(host, "docker", "stop", original)
    try:
        order = json.dumps({"original": original, "name": name, **changes})
        deployment.run(host, "python3", "-c", RUN_LIKE, text=order)
        if not beside:
            deployment.settle()
        yield
    finally:
        deployment.run(host, "docker", "rm", "--force", name)
        if not beside:
            deployment.run(host, "docker", "start", original)


@mutant(
    "a second container with a doubled NAME",
    r"frontend-1 runs the container frontend-mutant beside its application, which calls itself NAME frontend-1",
)
def second_container(deployment: Deployment) -> Iterator[None]:
    with replaced(deployment, "frontend-1", beside=True, publish=[]):
        yield


@mutant("a doubled NAME", r"NAME backend-1 is not unique: backend-1, backend-2 answer with it")
def doubled_name(deployment: Deployment) -> Iterator[None]:
    with replaced(deployment, "backend-2", environment={"NAME": "backend-1"}):
        yield


@mutant("a wrong VERSION on one host", r"frontend-2 answers with VERSION 9\.9\.9")
def wrong_version(deployment: Deployment) -> Iterator[None]:
    with replaced(deployment, "frontend-2", environment={"VERSION": "9.9.9"}):
        yield


@mutant("a container as root", r"frontend-1: container \S+ runs as root")
def as_root(deployment: Deployment) -> Iterator[None]:
    with replaced(deployment, "frontend-1", user="0:0"):
        yield


@mutant("a container with a capability", r"backend-1: container \S+ holds 1 capabilities")
def capability(deployment: Deployment) -> Iterator[None]:
    with replaced(deployment, "backend-1", options=["--cap-add", "NET_RAW"]):
        yield


@mutant("a container on a writable disk", r"frontend-2: container \S+ has a writable root file system")
def writable_disk(deployment: Deployment) -> Iterator[None]:
    with replaced(deployment, "frontend-2", read_only=False):
        yield


@mutant("a port published beyond the application's", r"backend-2: container \S+ publishes 0\.0\.0\.0:8000->5001/tcp")
def port_published(deployment: Deployment) -> Iterator[None]:
    with replaced(deployment, "backend-2", options=["--publish", "8000:5001"]):
        yield


@mutant("one backend with another image", r"the backends run different images: \w+ on backend-\d; \w+ on backend-\d")
def another_image(deployment: Deployment) -> Iterator[None]:
    inspect = ["docker", "inspect", "--format", "{{.Image}}", deployment.application("backend-2")]
    image = deployment.run("backend-2", *inspect).strip()
    # Of a container that was never configured: what is committed holds no secret.
    blank = deployment.run("backend-2", "docker", "create", image).strip()
    try:
        deployment.run("backend-2", "docker", "commit", blank, "mutant")
        with replaced(deployment, "backend-2", image="mutant"):
            yield
    finally:
        deployment.run("backend-2", "docker", "rm", blank)
        deployment.run("backend-2", "docker", "rmi", "mutant")


@mutant("an application's container stopped", r"backend-1 runs no backend container")
def stopped(deployment: Deployment) -> Iterator[None]:
    container = deployment.application("backend-1")
    deployment.run("backend-1", "docker", "stop", container)
    yield
    deployment.run("backend-1", "docker", "start", container)


def connection_string(deployment: Deployment, host: str) -> str:
    """What the application of a host is configured with."""
    content = json.loads(deployment.run(host, "docker", "inspect", deployment.application(host)))[0]["Config"]["Env"]
    return next(str(item).partition("=")[2] for item in content if item.startswith("DBCONNECTIONSTRING="))


@mutant(
    "an application that does not check the database's certificate",
    r"backend-1: DBCONNECTIONSTRING says sslmode=require",
)
def certificate_unchecked(deployment: Deployment) -> Iterator[None]:
    changed = connection_string(deployment, "backend-1").replace("sslmode=verify-full", "sslmode=require")
    with replaced(deployment, "backend-1", environment={"DBCONNECTIONSTRING": changed}):
        yield


@mutant(
    "an application that connects to an address, not to the database's name",
    r"backend-1 uses the database [0-9.]+, wanted \S+",
)
def database_by_address(deployment: Deployment) -> Iterator[None]:
    original = connection_string(deployment, "backend-1")
    address = deployment.run("backend-1", "getent", "ahostsv4", str(urlsplit(original).hostname)).split()[0]
    with replaced(deployment, "backend-1", environment={"DBCONNECTIONSTRING": f"{original}&hostaddr={address}"}):
        yield


@mutant("an application as the database's master user", r"backend-2: the application connects as the master user")
def master_user(deployment: Deployment) -> Iterator[None]:
    parts = urlsplit(connection_string(deployment, "backend-2"))
    password = quote(deployment.secret("database/master-password"), safe="")
    place = f"{deployment.variables['db_master_username']}:{password}@{parts.hostname}:{parts.port or 5432}"
    changed = urlunsplit(parts._replace(netloc=place))
    with replaced(deployment, "backend-2", environment={"DBCONNECTIONSTRING": changed}):
        yield
