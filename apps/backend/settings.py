"""What the backend is told through its environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

from common.configuration import ConfigurationError, variable

DATABASE_VARIABLE = "DBCONNECTIONSTRING"
# The challenge's sample command spells it so.
MISSPELT_VARIABLE = "DBCONNETIONSTRING"
DATABASE_EXAMPLE = "'dbname=backend user=sammy password=sammypw host=localhost port=5432'"
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class Settings:
    """name, version: what `/version` says. dsn: a checked libpq connection string (holds a password).

    misspelt: the connection string came in the variable that the challenge's sample command misspells.
    """

    name: str
    version: str
    dsn: str = field(repr=False)
    misspelt: bool = False

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """Raises ConfigurationError, which names the variable and never shows a connection string."""
        return cls(
            name=variable(environ, "NAME", "backend-1"),
            version=variable(environ, "VERSION", "0.0.1"),
            dsn=read_dsn(environ),
            misspelt=variable_in_use(environ) == MISSPELT_VARIABLE,
        )


def variable_in_use(environ: Mapping[str, str]) -> str:
    """Which spelling of the variable counts: the misspelt one only where the other is missing."""
    only_misspelt = MISSPELT_VARIABLE in environ and DATABASE_VARIABLE not in environ
    return MISSPELT_VARIABLE if only_misspelt else DATABASE_VARIABLE


def read_dsn(environ: Mapping[str, str]) -> str:
    """The connection string in either spelling of its variable. Raises ConfigurationError."""
    name = variable_in_use(environ)
    return check_dsn(name, variable(environ, name, DATABASE_EXAMPLE))


def check_dsn(name: str, text: str) -> str:
    """A libpq connection string or URI, as libpq will take it.

    Raises ConfigurationError. libpq's own words may quote a part of the text, so they are not passed on.
    """
    hidden = f"{name} ({len(text)} characters, not shown because it may hold a password)"
    example = f"for example {name}={DATABASE_EXAMPLE}"
    try:
        options = parse_dsn(text)
    except (psycopg2.ProgrammingError, UnicodeError):
        raise ConfigurationError(f"{hidden} is not a PostgreSQL connection string or URI: want {example}") from None
    for port in filter(None, options.get("port", "").split(",")):
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
            raise ConfigurationError(f"{hidden}: its port is not a number from 1 to 65535: want {example}")
    if options.get("sslmode", "prefer") not in SSL_MODES:
        raise ConfigurationError(f"{hidden}: its sslmode is none of {', '.join(SSL_MODES)}: want {example}")
    if not re.fullmatch(r"-?[0-9]{1,9}", options.get("connect_timeout", "2")):
        raise ConfigurationError(f"{hidden}: its connect_timeout is not a number of seconds: want {example}")
    return make_dsn(text)
