"""Database versions and classes, which moto lacks. Images (`data/images.json`) and instance types need no code."""

from __future__ import annotations

from collections.abc import Iterable

# Minor versions of PostgreSQL that RDS offers, by major version.
POSTGRES_VERSIONS = {
    "13": range(11, 24),
    "14": range(9, 21),
    "15": range(4, 16),
    "16": range(1, 12),
    "17": range(1, 8),
    "18": range(1, 3),
}
DEFAULT_POSTGRES_VERSION = "17.6"


def is_postgres_version(version: str) -> bool:
    """Whether RDS has this version: a major version (17) or a full one (17.6)."""
    major, _, minor = version.partition(".")
    if major not in POSTGRES_VERSIONS:
        return False
    return not minor or (minor.isdigit() and int(minor) in POSTGRES_VERSIONS[major])


def postgres_versions() -> list[str]:
    """All versions, oldest first."""
    return [f"{major}.{minor}" for major, minors in POSTGRES_VERSIONS.items() for minor in minors]


# Instance families of RDS for PostgreSQL.
DATABASE_FAMILIES = {
    "t3", "t4g", "m5", "m5d", "m6g", "m6gd", "m6i", "m6id", "m7g", "m7i", "m8g",
    "r5", "r5b", "r5d", "r6g", "r6gd", "r6i", "r6id", "r7g", "r7i", "r8g", "x2g",
}  # fmt: skip


def database_classes(instance_types: Iterable[str]) -> set[str]:
    """The database instance classes in a region with these instance types."""
    return {
        f"db.{name}"
        for name in instance_types
        if name.partition(".")[0] in DATABASE_FAMILIES and not name.endswith(".nano") and "metal" not in name
    }
