"""What the applications are told through their environment."""

from __future__ import annotations

from collections.abc import Mapping


class ConfigurationError(Exception):
    """An environment variable that cannot be used: the message names it, what it holds and an example."""


def variable(environ: Mapping[str, str], name: str, example: str) -> str:
    """A required environment variable, without blanks around it.

    Raises ConfigurationError when it is missing or empty.
    """
    value = environ.get(name)
    if value is None:
        raise ConfigurationError(f"{name} is not set: want for example {name}={example}")
    if not value.strip():
        raise ConfigurationError(f"{name} is empty ({name}={value!r}): want for example {name}={example}")
    if not value.isprintable():
        raise ConfigurationError(f"{name} holds characters that cannot be printed: want for example {name}={example}")
    return value.strip()
