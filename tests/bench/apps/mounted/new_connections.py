"""The frontend as it is, but for one thing: each request opens a connection of its own to the backend."""

import os

from app import create_app
from settings import Settings
from upstream import Upstream

settings = Settings.read(os.environ)
app = create_app(settings, Upstream(settings.api, keep=False))
