"""What can be said about an environment's variables without asking AWS."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Any

LONGEST_SUFFIX = "-internal"  # of the names of load balancers and target groups, which may have 32 characters
LOAD_BALANCER_NAME = 32
DOCKER_BRIDGE = IPv4Network("172.17.0.0/16")
PRIVATE = [IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]

# Words that RDS for PostgreSQL refuses as a master user's name.
RESERVED_USERS = {"admin", "postgres", "rdsadmin", "rdsrepladmin", "rds_superuser", "public", "user", "master"}


@dataclass(frozen=True)
class Problem:
    """One thing that would fail later. Each field is a phrase without a full stop."""

    variable: str
    value: Any
    wrong: str
    allowed: str
    fix: str

    def __str__(self) -> str:
        return (
            f"{self.variable} = {self.value}\n    wrong:   {self.wrong}\n"
            f"    allowed: {self.allowed}\n    fix:     {self.fix}"
        )


@dataclass(frozen=True)
class Rule:
    """What one variable may be. example: a value that may be copied."""

    holds: Callable[[str], bool]
    allowed: str
    example: str


def pattern(expression: str, allowed: str, example: str) -> Rule:
    return Rule(lambda text: re.fullmatch(expression, text) is not None, allowed, example)


def whole(first: int, last: int, example: int) -> Rule:
    def holds(text: str) -> bool:
        return text.isascii() and text.isdigit() and first <= int(text) <= last

    return Rule(holds, f"a whole number from {first} to {last}", str(example))


def one_of(*choices: str) -> Rule:
    return Rule(lambda text: text in choices, " or ".join(choices), choices[0])


NAME = "letters a-z, digits and single hyphens, beginning with a letter, not ending with a hyphen"
NAME_PATTERN = r"[a-z](?:-?[a-z0-9])*"
RULES = {
    "project": pattern(rf"(?!internal(-|$)|aws|ssm|sg(-|$))(?=.{{2,12}}$){NAME_PATTERN}", f"2 to 12 {NAME}", "tandem"),
    "env_name": pattern(rf"(?=.{{2,10}}$){NAME_PATTERN}", f"2 to 10 {NAME}", "staging"),
    "region": pattern(r"[a-z]{2}(-[a-z]+)+-\d", "the name of an AWS region", "eu-central-1"),
    "frontend_count": whole(1, 9, 2),
    "backend_count": whole(1, 9, 2),
    "app_version": pattern(
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", "1 to 40 letters, digits, dots, hyphens, underscores", "0.0.1"
    ),
    "instance_type": pattern(r"[a-z0-9-]+\.[a-z0-9-]+", "an EC2 instance type", "t3.micro"),
    "volume_size": whole(8, 16384, 8),
    "db_instance_class": pattern(r"db\.[a-z0-9-]+\.[a-z0-9-]+", "an RDS instance class", "db.t4g.micro"),
    "db_storage": whole(20, 1000, 20),
    "db_engine_version": whole(14, 99, 17),
    "db_backup_days": whole(0, 35, 1),
    "db_name": pattern(r"[A-Za-z][A-Za-z0-9_]{0,62}", "1 to 63 letters, digits and underscores", "tandem"),
    "db_master_username": Rule(
        lambda text: (
            re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", text) is not None
            and text.lower() not in RESERVED_USERS
            and not text.lower().startswith("pg_")
        ),
        "1 to 63 letters, digits and underscores, no word that PostgreSQL reserves",
        "tandem_master",
    ),
    "nat_gateway": one_of("single", "per_az", "none"),
    "deletion_protection": one_of("false", "true"),
    "release_surge": one_of("false", "true"),
    "allow_admin_from_anywhere": one_of("false", "true"),
    "ssh_host_keys": one_of("console", "accept-new"),
}


def text_of(value: Any) -> str:
    """A value as it was written: true and not True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def settings_problems(settings: dict[str, Any]) -> list[Problem]:
    """All problems of the variables alone. settings: every variable of group_vars/all/main.yml."""
    return [
        *_single(settings),
        *_composed_name(text_of(settings["project"]), text_of(settings["env_name"])),
        *vpc_cidr_problems(text_of(settings["vpc_cidr"])),
        *admin_cidr_problems(text_of(settings["admin_cidr"]), text_of(settings["allow_admin_from_anywhere"]) == "true"),
    ]


def _single(settings: dict[str, Any]) -> Iterator[Problem]:
    for variable, rule in RULES.items():
        value = text_of(settings[variable])
        if not rule.holds(value.lower() if variable in ("deletion_protection", "release_surge") else value):
            yield Problem(variable, value, "not allowed", rule.allowed, f"-e {variable}={rule.example}")


def _composed_name(project: str, env_name: str) -> Iterator[Problem]:
    composed = f"{project}-{env_name}{LONGEST_SUFFIX}"
    if len(composed) > LOAD_BALANCER_NAME:
        yield Problem(
            "project, env_name",
            f"{project}, {env_name}",
            f"the load balancer's name {composed} would have {len(composed)} characters",
            f"together at most {LOAD_BALANCER_NAME - len(LONGEST_SUFFIX) - 1} characters",
            f"shorten env_name, for example -e env_name={env_name[:4]}",
        )


def vpc_cidr_problems(cidr: str) -> list[Problem]:
    allowed = "a private IPv4 range, /16 to /24, no host bits, not overlapping Docker's 172.17.0.0/16"

    def problem(wrong: str, better: str) -> list[Problem]:
        return [Problem("vpc_cidr", cidr, wrong, allowed, f"-e vpc_cidr={better}")]

    try:
        network = IPv4Network(cidr, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        return problem("not an IPv4 range", "10.40.0.0/16")
    better = f"{network.network_address}/{min(max(network.prefixlen, 16), 24)}"
    if str(network) != cidr:
        return problem("host bits are set, or the mask is not written as in 10.40.0.0/16", better)
    if not 16 <= network.prefixlen <= 24:
        size = "small: six subnets do not fit" if network.prefixlen > 24 else "large: AWS takes no VPC of this size"
        return problem(f"too {size}", better)
    if not any(network.subnet_of(private) for private in PRIVATE):
        return problem("not a private range", "10.40.0.0/16")
    if network.overlaps(DOCKER_BRIDGE):
        return problem("overlaps 172.17.0.0/16, which Docker on the hosts uses", "10.40.0.0/16")
    return []


def admin_cidr_problems(cidr: str, from_anywhere: bool) -> list[Problem]:
    """Problems of admin_cidr, which may be empty (then it is found)."""
    if not cidr:
        return []
    allowed = "an IPv4 range without host bits, for example the office's; 0.0.0.0/0 only if you insist"
    try:
        network = IPv4Network(cidr)
    except ValueError:
        return [
            Problem("admin_cidr", cidr, "not an IPv4 range without host bits", allowed, "-e admin_cidr=203.0.113.7/32")
        ]
    if network.prefixlen == 0 and not from_anywhere:
        fix = "-e admin_cidr=YOUR.ADDRESS/32, or leave it empty; or insist: -e allow_admin_from_anywhere=true"
        return [Problem("admin_cidr", cidr, "SSH would be open to the whole internet", allowed, fix)]
    return []


def admin_cidr_excludes(cidr: str, own: str) -> list[Problem]:
    """Whether this machine, which has the address `own` (a range of one), would be shut out by admin_cidr."""
    try:
        if IPv4Network(own).subnet_of(IPv4Network(cidr)):
            return []
    except ValueError:  # admin_cidr_problems says so
        return []
    wrong = f"this machine reaches the internet from {own}, so its SSH to the hosts would be refused"
    return [Problem("admin_cidr", cidr, wrong, f"a range that holds {own}", f"-e admin_cidr={own}, or leave it empty")]


def password_problem(password: str) -> str:
    """Why RDS refuses a master password, as a phrase; empty where it takes it. The phrase never holds the password."""
    if not 8 <= len(password) <= 128:
        return f"has {len(password)} characters"
    if any(character in '/"@ ' or not 33 <= ord(character) <= 126 for character in password):
        return "contains a slash, a quote, an @, a space or a character outside ASCII"
    return ""
