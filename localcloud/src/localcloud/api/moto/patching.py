"""The one way in which this package changes moto's classes and modules."""

from typing import Any


def replace(owner: Any, **members: Any) -> None:
    """Put these members in the place of the owner's own."""
    for name, member in members.items():
        setattr(owner, name, member)
