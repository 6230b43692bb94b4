"""The frontend as it is, but for one thing: each request opens a connection of its own to the backend."""

import os

from frontend.app import create_app
from frontend.settings import Settings
from frontend.upstream import Upstream

settings = Settings.read(os.environ)
app = create_app(settings, Upstream(settings.api, keep=False))
