"""Two ways to patch moto's classes and modules."""

import functools
from collections.abc import Callable
from typing import Any


def replace(owner: Any, **members: Any) -> None:
    """Replace members of the owner."""
    for name, member in members.items():
        setattr(owner, name, member)


def wrap(owner: Any, **members: Callable[..., Any]) -> None:
    """Wrap methods of the owner: each function is called with the original method and its arguments."""
    for name, around in members.items():
        replace(owner, **{name: _around(getattr(owner, name), around)})


def _around(method: Callable[..., Any], around: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def both(*args: Any, **kwargs: Any) -> Any:
        return around(method, *args, **kwargs)

    return both
