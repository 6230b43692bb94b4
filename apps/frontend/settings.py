"""What the frontend is told through its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from common.configuration import ConfigurationError, variable

API_EXAMPLE = "http://localhost:5001"


@dataclass(frozen=True)
class Settings:
    """name, version: what `/version` says. api: the backend's address, http or https, maybe with a path."""

    name: str
    version: str
    api: SplitResult

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """Raises ConfigurationError, which names the variable."""
        return cls(
            name=variable(environ, "NAME", "frontend-1"),
            version=variable(environ, "VERSION", "0.0.1"),
            api=parse_api(variable(environ, "API", API_EXAMPLE)),
        )


def parse_api(text: str) -> SplitResult:
    """The backend's URL. Raises ConfigurationError; a password in the URL is refused without being shown."""
    example = f"for example API={API_EXAMPLE}"
    if "@" in text:
        raise ConfigurationError(f"API holds an @ (not shown, it may hold a password): want no user in it, {example}")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise ConfigurationError(f"API={text!r}: {error}: want {example}") from None
    if url.scheme not in ("http", "https") or not url.hostname or " " in text:
        raise ConfigurationError(f"API={text!r} is no http or https URL: want {example}")
    if port == 0 or url.query or url.fragment:
        raise ConfigurationError(f"API={text!r}: want a port from 1 to 65535, no query and no fragment: {example}")
    return url._replace(path=url.path.rstrip("/"))
