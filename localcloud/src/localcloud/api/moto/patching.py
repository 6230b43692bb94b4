"""The two ways in which this package changes moto's classes and modules."""

import functools
from collections.abc import Callable
from typing import Any


def replace(owner: Any, **members: Any) -> None:
    """Put these members in the place of the owner's own."""
    for name, member in members.items():
        setattr(owner, name, member)


def wrap(owner: Any, **members: Callable[..., Any]) -> None:
    """Put these functions around the owner's methods: each is called with the method, and with what the method is given."""
    for name, around in members.items():
        replace(owner, **{name: _around(getattr(owner, name), around)})


def _around(method: Callable[..., Any], around: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def both(*args: Any, **kwargs: Any) -> Any:
        return around(method, *args, **kwargs)

    return both
