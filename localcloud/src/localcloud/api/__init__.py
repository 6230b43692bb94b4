"""The AWS API of a local cloud: moto in this process, behind a wrapper as strict and as slow as AWS."""

from .moto.environment import prepare

prepare()  # moto reads its environment at import, so call this before importing moto

from .server import Api  # noqa: E402

__all__ = ["Api"]
