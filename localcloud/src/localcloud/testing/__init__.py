"""For tests of AWS clients: the API alone (`api`), a whole cloud (`Cloud`), a two-tier environment (`Stack`)."""

from .api import REGION, Endpoint, api, parsed, without_aws
from .cloud import Cloud, free_port, tail
from .leftovers import kept
from .machine import docker_held, prepare
from .stack import TRUST, Stack

__all__ = [
    "REGION",
    "TRUST",
    "Cloud",
    "Endpoint",
    "Stack",
    "api",
    "docker_held",
    "free_port",
    "kept",
    "parsed",
    "prepare",
    "tail",
    "without_aws",
]
