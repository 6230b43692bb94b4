"""The AWS API of a local cloud: moto in this process, behind a wrapper that makes it as strict and as slow as AWS."""

from .moto.environment import prepare

prepare()  # moto reads its environment while it is imported: this line stands before every import of moto

from .server import Api  # noqa: E402

__all__ = ["Api"]
