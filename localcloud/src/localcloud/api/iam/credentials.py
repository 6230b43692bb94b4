"""The access key of the local account's administrator, generated for each cloud."""

from __future__ import annotations

import json
import os
import secrets
import string
from dataclasses import asdict, dataclass, field
from pathlib import Path

_LETTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Credentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)

    @classmethod
    def new(cls) -> Credentials:
        key = "AKIA" + "".join(secrets.choice(_LETTERS) for _ in range(16))
        return cls(key, secrets.token_urlsafe(30))

    def write(self, path: Path) -> None:
        """Write the key to a file that only its owner can read."""
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file)
