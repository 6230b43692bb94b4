"""What can be said about an environment's variables without asking AWS: the one set of rules for all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
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
            f"{shown(self.variable)} = {shown(self.value)}\n    wrong:   {self.wrong}\n"
            f"    allowed: {self.allowed}\n    fix:     {self.fix}"
        )


def shown(value: Any) -> str:
    """A value as it was written, in one line that no terminal obeys: true and not True."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = text if text.isprintable() else ascii(text)
    return "(empty)" if not text else text if len(text) <= 100 else f"{text[:80]}… ({len(text)} characters)"


def told(problems: list[Problem]) -> str:
    """All problems as one message."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return f"{count}, nothing was made.\n\n" + "\n\n".join(map(str, problems))


@dataclass(frozen=True)
class Rule:
    """What one variable may be. example: a value that may be copied. types: of YAML, whose text is then looked at."""

    holds: Callable[[str], bool]
    allowed: str
    example: str
    types: tuple[type, ...] = (str,)

    def wrong(self, value: Any) -> str:
        """What is wrong with a value, in words; empty where nothing is."""
        if not isinstance(value, self.types) or (isinstance(value, bool) and bool not in self.types):
            kinds = {bool: "true or false", int | float: "a number", list: "a list", Mapping: "a dictionary"}
            return (
                f"YAML reads it as {next((name for kind, name in kinds.items() if isinstance(value, kind)), 'no text')}"
            )
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if self.holds(text):
            return ""
        return "not allowed" if text.strip() else "empty"

    def problem(self, variable: str, value: Any) -> list[Problem]:
        """As a list of one, or none."""
        wrong, fix = self.wrong(value), f"-e {variable}={self.example}"
        if isinstance(value, int | float) and self.types == (str,):
            fix = f'quotes, since YAML reads 1.10 as 1.1 and no as false: {variable}: "{self.example}"'
        return [Problem(variable, value, wrong, self.allowed, fix)] if wrong else []


def pattern(expression: str, allowed: str, example: str) -> Rule:
    return Rule(lambda text: re.fullmatch(expression, text) is not None, allowed, example)


def whole(first: int, last: int, example: int, allowed: str = "") -> Rule:
    def holds(text: str) -> bool:
        return re.fullmatch("0|[1-9][0-9]{0,8}", text) is not None and first <= int(text) <= last

    return Rule(holds, allowed or f"a whole number from {first} to {last}", str(example), (str, int))


def one_of(*choices: str) -> Rule:
    return Rule(lambda text: text in choices, " or ".join(choices), choices[0])


TRUTH = Rule(lambda text: text.lower() in ("false", "true"), "false or true", "false", (str, bool))
PORT = whole(1024, 65535, 5000)
SECONDS = whole(0, 99999, 60, "a whole number of seconds from 0")
URL = r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"
# What stands on command lines and in SSH's configuration, where blanks, quotes and signs would mean something.
PATH = r"(?!.*/\.\.?(/|$))(/+[^\s\x00-\x1f/'\"\\$%`;&|<>(){}*?!#]+){2,}"


NAME = "letters a-z, digits and single hyphens, beginning with a letter, not ending with a hyphen"
NAME_PATTERN = r"[a-z](?:-?[a-z0-9])*"
RULES = {
    "project": pattern(rf"(?!internal(-|$)|aws|ssm|sg(-|$))(?=.{{2,12}}$){NAME_PATTERN}", f"2 to 12 {NAME}", "tandem"),
    "env_name": pattern(rf"(?=.{{2,10}}$){NAME_PATTERN}", f"2 to 10 {NAME}", "staging"),
    # Other partitions have other images, certificate authorities and ARNs.
    "region": pattern(
        r"(?=.{1,30}$)(?!(us-gov|us-iso[a-z]?|eu-iso[a-z]?|cn|eusc)-)[a-z]{2}(-[a-z]+)+-[0-9]",
        "the name of a region of AWS's public partition (not GovCloud, China or the European Sovereign Cloud)",
        "eu-central-1",
    ),
    "frontend_count": whole(1, 9, 2),
    "backend_count": whole(1, 9, 2),
    "app_version": pattern(
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", "1 to 40 letters, digits, dots, hyphens, underscores", "0.0.1"
    ),
    "instance_type": pattern(r"(?=.{1,40}$)[a-z0-9-]+\.[a-z0-9-]+", "an EC2 instance type", "t3.micro"),
    "volume_size": whole(8, 16384, 8),
    "db_instance_class": pattern(r"(?=.{1,40}$)db\.[a-z0-9-]+\.[a-z0-9-]+", "an RDS instance class", "db.t4g.micro"),
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
    "permissions_boundary": pattern(
        r"(arn:aws:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]{1,512})?",
        "the ARN of a policy, or empty",
        "arn:aws:iam::111122223333:policy/boundary",
    ),
    "deletion_protection": TRUTH,
    "release_surge": TRUTH,
    "allow_admin_from_anywhere": TRUTH,
    "ssh_host_keys": one_of("console", "accept-new"),
    "frontend_port": PORT,
    "backend_port": PORT,
    "frontend_surge_port": PORT,
    "backend_surge_port": PORT,
    "health_path": pattern(r"/[A-Za-z0-9._~/-]{0,200}", "a path on the web that begins with a slash", "/readyz"),
    "own_address_url": pattern(URL, "a web address", "https://checkip.amazonaws.com"),
    "public_url": pattern(f"({URL})?", "a web address, or empty", "http://localhost:8080"),
    "database_ca_bundle_url": pattern(
        URL, "a web address", "https://truststore.pki.rds.amazonaws.com/us-east-1/us-east-1-bundle.pem"
    ),
    "database_ca_bundle_file": pattern(
        f"({PATH})?", "a whole path without blanks and quotes, or empty", "/etc/ssl/rds.pem"
    ),
    "state_dir": pattern(PATH, "a whole path of two parts or more, without blanks and quotes", "/root/.tandem"),
    # Options of releases, which need not be set.
    "release_batch": Rule(
        lambda text: re.fullmatch("([1-9][0-9]{0,3}|([1-9][0-9]?|100)%)?", text) is not None,
        "how many hosts of a tier change at a time, a whole number from 1 or a share from 1% to 100%",
        "50%",
        (str, int),
    ),
    "release_kept": whole(1, 999, 5, "a whole number from 1"),
    "release_log_lines": whole(0, 99999, 20, "a whole number from 0"),
    "release_to": whole(
        0, 999999, 7, "the number of a release (make releases lists them), or 0 for the one before the current one"
    ),
    "release_soak": SECONDS,
    "release_drain_timeout": SECONDS,
    "release_drain_lag": SECONDS,
    "hosts_drain_lag": SECONDS,
    "release_ready_timeout": SECONDS,
    "release_healthy_timeout": SECONDS,
}


def require_names(project: Any, env_name: Any) -> None:
    """For code that composes paths, filters and names of both: part of another's, or a wildcard, matches more than its own."""
    for variable, value in (("project", project), ("env_name", env_name)):
        for problem in RULES[variable].problem(variable, value):
            raise ValueError(str(problem))


def path_problem(path: str) -> str:
    """What is wrong with a path in Parameter Store, which is /PROJECT/ENVIRONMENT or below; empty where nothing is."""
    first, *names = path.split("/")
    wrong = (
        [*RULES["project"].problem("project", names[0]), *RULES["env_name"].problem("env_name", names[1])]
        if names[1:]
        else [path]
    )
    if first or wrong or not all(re.fullmatch("[A-Za-z0-9_-][A-Za-z0-9._-]*", name) for name in names):
        return f"{shown(path)} is no path of an environment in Parameter Store: want /PROJECT/ENVIRONMENT, or a path below it"
    return ""


def settings_problems(settings: Mapping[str, Any]) -> list[Problem]:
    """All problems of the variables alone: of those that are there."""
    problems = [
        problem
        for variable, rule in RULES.items()
        if variable in settings
        for problem in rule.problem(variable, settings[variable])
    ]
    right = settings.keys() - {problem.variable for problem in problems}
    if "vpc_cidr" in settings:
        problems += vpc_cidr_problems(settings["vpc_cidr"])
    if "extra_tags" in settings:
        problems += tag_problems(settings["extra_tags"])
    if "admin_cidr" in settings:
        anywhere = str(settings.get("allow_admin_from_anywhere")).lower() == "true"
        problems += admin_cidr_problems(settings["admin_cidr"], anywhere)
    if {"project", "env_name"} <= right:
        problems += _composed_name(settings["project"], settings["env_name"])
    if {"access_matrix", "frontend_port", "backend_port"} <= right:
        problems += matrix_problems(settings["access_matrix"], settings)
    for tier in ("frontend", "backend"):
        port, surge = f"{tier}_port", f"{tier}_surge_port"
        if {port, surge} <= right and str(settings[port]) == str(settings[surge]):
            wrong, other = f"{port} is {settings[port]} too", int(settings[port]) + 10
            problems.append(Problem(surge, settings[surge], wrong, "another port", f"-e {surge}={other}"))
    return problems


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


def vpc_cidr_problems(cidr: Any) -> list[Problem]:
    allowed = "a private IPv4 range, /16 to /24, no host bits, not overlapping Docker's 172.17.0.0/16"

    def problem(wrong: str, better: str) -> list[Problem]:
        return [Problem("vpc_cidr", cidr, wrong, allowed, f"-e vpc_cidr={better}")]

    try:
        network = IPv4Network(cidr if isinstance(cidr, str) else "", strict=False)
    except ValueError:
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


OWN_TAGS = ("project", "environment", "name", "tier")
TAG = r"(?! )(?!aws:)[A-Za-z0-9 +=._:/@-]{%s}(?<! )"  # what all of AWS's services take
MOST_TAGS = 40  # of 50 a resource


def _wrong_tags(tags: Any) -> str:
    """The first thing that is wrong with tags, in words; empty where nothing is."""
    if not isinstance(tags, Mapping):
        return "no dictionary"
    if len(tags) > MOST_TAGS:
        return f"{len(tags)} tags"
    if len({str(key).lower() for key in tags}) < len(tags):
        return "IAM takes two keys that differ in case alone for one"
    for key, value in tags.items():
        if not isinstance(key, str) or not re.fullmatch(TAG % "1,128", key, re.IGNORECASE):
            return f"the key {shown(key)} is not allowed"
        if key.lower() in OWN_TAGS:
            return f"the deployment sets {key} itself"
        if not isinstance(value, str) or not re.fullmatch(f"({TAG % '1,256'})?", value):
            return f"the value {shown(value)} of {key} is not allowed"
    return ""


def tag_problems(tags: Any) -> list[Problem]:
    """Problems of extra_tags, which may be empty."""
    wrong = _wrong_tags(tags)
    allowed = (
        f"at most {MOST_TAGS} keys and values, as text in quotes of letters, digits, blanks and +-=._:/@, not aws:…, "
        "Project, Environment, Name or Tier"
    )
    return (
        [Problem("extra_tags", tags, wrong, allowed, """-e '{"extra_tags": {"CostCenter": "42"}}'""")] if wrong else []
    )


# Of 16 million addresses; what is larger is no office.
LARGEST_ADMIN_RANGE = 8


def admin_cidr_problems(cidr: Any, from_anywhere: bool) -> list[Problem]:
    """Problems of admin_cidr, which may be empty (then it is found)."""
    if cidr == "":
        return []
    allowed = f"an IPv4 range without host bits, for example the office's; larger than /{LARGEST_ADMIN_RANGE} only if you insist"
    try:
        network = IPv4Network(cidr if isinstance(cidr, str) else "")
    except ValueError:
        network = None
    if network is None or str(network) != cidr:
        wrong = "not an IPv4 range without host bits, written as in the fix"
        return [Problem("admin_cidr", cidr, wrong, allowed, "-e admin_cidr=203.0.113.7/32")]
    if network.prefixlen < LARGEST_ADMIN_RANGE and not from_anywhere:
        fix = "-e admin_cidr=YOUR.ADDRESS/32, or leave it empty; or insist: -e allow_admin_from_anywhere=true"
        wrong = f"SSH would be open to {network.num_addresses / 2**32:.0%} of the internet"
        return [Problem("admin_cidr", cidr, wrong, allowed, fix)]
    return []


# Who may open connections to whom at all: the challenge's promises. Lines of access_matrix choose from these.
REACHABLE_FROM = {
    "public_alb": {"internet", "admin"},
    "frontend": {"public_alb", "admin", "frontend"},
    "internal_alb": {"frontend"},
    "backend": {"internal_alb", "frontend", "backend"},
    "database": {"backend"},
    "internet": {"frontend", "backend"},
}
# Without these lines no request and no operator arrives; each with the variable that has its port, or the port.
NEEDED = (
    ("internet", "public_alb", 80),
    ("public_alb", "frontend", "frontend_port"),
    ("frontend", "internal_alb", 80),
    ("internal_alb", "backend", "backend_port"),
    ("backend", "database", 5432),
    ("admin", "frontend", 22),
    ("frontend", "backend", 22),
)
WHY = r"[A-Za-z0-9 ._:/()#,@\[\]+=&-]{0,255}"  # what AWS takes as a rule's description


def matrix_problems(matrix: Any, settings: Mapping[str, Any]) -> list[Problem]:
    """Problems of access_matrix. settings: frontend_port and backend_port, which have been found right."""

    def problem(value: Any, wrong: str, allowed: str) -> Problem:
        return Problem("access_matrix", value, wrong, allowed, "as in group_vars/all/access.yml, or leave it out")

    if not isinstance(matrix, list) or not all(isinstance(row, Mapping) for row in matrix):
        return [problem(matrix, "not a list of lines", "a list of {from: …, to: …, port: …, why: …}")]
    problems, ways = [], []
    for row in matrix:
        source, target, port = str(row.get("from")), str(row.get("to")), str(row.get("port"))
        protocol = row.get("protocol", "tcp")
        way = (source, target, port, protocol)
        if row.keys() - {"from", "to", "port", "protocol", "why"}:
            problems.append(problem(row, "a line has other keys", "from, to, port, protocol, why"))
        elif target not in REACHABLE_FROM or source not in {"internet", "admin", *REACHABLE_FROM}:
            problems.append(problem(row, "from or to is no tier", f"{', '.join(REACHABLE_FROM)}, admin"))
        elif source not in REACHABLE_FROM[target]:
            allowed = f"to {target}: from {', '.join(sorted(REACHABLE_FROM[target]))}"
            problems.append(problem(row, f"{source} must not reach {target}", allowed))
        elif whole(1, 65535, 80).wrong(row.get("port")) or protocol not in ("tcp", "udp"):
            problems.append(problem(row, "port or protocol is not allowed", "a port from 1 to 65535; tcp or udp"))
        elif not isinstance(row.get("why", ""), str) or not re.fullmatch(WHY, row.get("why", "")):
            problems.append(
                problem(row, "why is no text that AWS takes", "at most 255 letters, digits and ._-:/()#,@[]+=&")
            )
        elif way in ways:
            problems.append(problem(row, "the line is there twice", "each way once"))
        ways.append(way)
    for source, target, name in NEEDED:
        port = str(settings.get(str(name), name))
        if not problems and (source, target, port, "tcp") not in ways:
            wrong = "a line is missing, without which nothing works"
            problems.append(
                problem(f"without {source} to {target}", wrong, f"{{from: {source}, to: {target}, port: {port}}}")
            )
    return problems


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
