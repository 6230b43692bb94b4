"""HAProxy's configuration for a load balancer, as a pure function of the topology."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from localcloud.contract.topology import Action, HealthCheck, Listener, ListenerRule, LoadBalancer, TargetGroup

CONNECT_SECONDS = 10
OWN_ERRORS = {
    400: "400 Bad Request",
    408: "408 Request Time-out",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    504: "504 Gateway Time-out",
}
# The termination state begins with s (115) after a timeout and S (83) after a refused connection.
CONNECTION_FAILURE = (
    "%[txn.sess_term_state,bytes(0,1),hex,hex2i,sub(83),bool,iif(504 Gateway Time-out,502 Bad Gateway)]"
)
ALGORITHMS = {"round_robin": "roundrobin", "least_outstanding_requests": "leastconn"}

# Loaded once, so that changed files do not affect a running cloud.
_template = Environment(
    loader=PackageLoader("localcloud.dataplane.balancers", "."),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - not HTML; escaped() quotes for HAProxy
).get_template("haproxy.cfg.j2")


@dataclass(frozen=True)
class Server:
    """A target as an HAProxy server."""

    address: str
    port: int

    @property
    def name(self) -> str:
        return f"{self.address}_{self.port}"


@dataclass(frozen=True)
class Group:
    """A target group with HAProxy's current servers."""

    backend: str
    balance: str
    check: HealthCheck
    check_options: str
    connect_timeout: int
    servers: tuple[Server, ...]


def backend_name(group: TargetGroup) -> str:
    """The backend of healthy targets; that of all targets, for failing open, has the suffix `.open`."""
    return f"tg-{group.name}"


def check_options(check: HealthCheck) -> str:
    """Health check options of a server, for the configuration and the runtime API."""
    seconds = f"inter {check.interval}s fastinter {check.interval}s downinter {check.interval}s"
    port = "" if check.port == "traffic-port" else f" port {check.port}"
    secure = " check-ssl verify none" if check.protocol == "HTTPS" else ""
    return f"check {seconds} fall {check.unhealthy_threshold} rise {check.healthy_threshold}{port}{secure}"


def render(balancer: LoadBalancer, groups: Sequence[TargetGroup], servers: dict[str, list[Server]]) -> str:
    """The configuration. servers: those to keep, by target group ARN."""
    backends = {group.arn: backend_name(group) for group in groups}
    return _template.render(
        name=balancer.name,
        idle_timeout=balancer.idle_timeout,
        drops_invalid_headers=balancer.drops_invalid_headers,
        listeners=sorted(balancer.listeners, key=lambda listener: listener.port),
        groups=[_group(group, servers.get(group.arn, [])) for group in groups],
        own_errors=OWN_ERRORS,
        connection_failure=CONNECTION_FAILURE,
        backend=lambda action: backends.get(action.target_group_arn),
        conditions=_conditions,
        content=_content,
        location=_location,
        page=_page,
        escaped=escaped,
    )


def _group(group: TargetGroup, servers: list[Server]) -> Group:
    return Group(
        backend=backend_name(group),
        balance=ALGORITHMS.get(group.algorithm, "roundrobin"),
        check=group.health_check,
        check_options=check_options(group.health_check),
        connect_timeout=min(CONNECT_SECONDS, group.health_check.timeout),
        servers=tuple(servers),
    )


def escaped(text: str) -> str:
    """Escape any text as one word of HAProxy's configuration."""
    safe = re.compile(r"[A-Za-z0-9_/.:^*|+?()-]")
    return "".join(c if safe.match(c) else "".join(f"\\x{byte:02x}" for byte in c.encode()) for c in text)


def pattern(wildcards: str) -> str:
    """A regular expression for a rule's value with the wildcards * and ?."""
    return "^" + re.escape(wildcards).replace(r"\*", ".*").replace(r"\?", ".") + "$"


def _conditions(rule: ListenerRule) -> str:
    paths = " ".join(escaped(pattern(path)) for path in rule.paths)
    hosts = " ".join(escaped(pattern(host.lower())) for host in rule.hosts)
    by_path = f" {{ path -m reg {paths} }}" if paths else ""
    return by_path + (f" {{ req.fhdr(Host),field(1,:),lower -m reg {hosts} }}" if hosts else "")


def _content(action: Action) -> str:
    return f" content-type {escaped(action.content_type)} string {escaped(action.body)}" if action.body else ""


def _location(action: Action, listener: Listener) -> str:
    """Translate AWS's placeholders, for example #{host}, to HAProxy's expressions."""
    values = {
        "?#{query}": "%[var(txn.query)]",
        "#{protocol}": "http",
        "#{host}": "%[req.fhdr(Host),field(1,:)]",
        "#{port}": str(listener.port),
        "#{path}": "%[path,regsub(^/,)]",
        "#{query}": "%[query]",
    }
    scheme, rest = action.location.split(":", 1)
    parts = re.split(r"(\??#\{[a-z]+\})", f"{scheme.lower()}:{rest}".removesuffix("?"))
    return escaped("".join(values.get(part, part.replace("%", "%%")) for part in parts))


def _page(title: str) -> str:
    """An error page like that of AWS's load balancer."""
    head = f"<html>\r\n<head><title>{title}</title></head>\r\n"
    return escaped(f"{head}<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n")
