"""How gunicorn serves an application, in its container and in the tests: `APP=frontend PORT=5000 gunicorn` in this folder.

WORKERS and THREADS may be set.
"""

import os
import resource
import socket
import sys


def number(name: str, default: int, lowest: int, highest: int) -> int:
    """An environment variable as a whole number; ends the process with one line when it is none."""
    value = os.environ.get(name, str(default))
    if not value.isdecimal() or not lowest <= int(value) <= highest:
        sys.exit(
            f"configuration error: {name}={value!r}: want a whole number, {lowest} to {highest}, "
            f"for example {name}={default}"
        )
    return int(value)


port = number("PORT", 5000, 1, 65535)

bind = [f"0.0.0.0:{port}"]
wsgi_app = f"{os.environ.get('APP')}.app:app"
worker_class = "common.worker.Worker"
workers = number("WORKERS", 2, 1, 64)
threads = number("THREADS", 16, 1, 256)
# Of each worker; it has a file for each of them.
worker_connections = 1000
_, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, _most), _most))
# Nothing that a client sends about itself or about the way is believed: the applications have no use for it.
forwarded_allow_ips = ""
forwarder_headers = ""
# A name server that has gone is asked again after a second, not after five.
os.environ.setdefault("RES_OPTIONS", "timeout:1 attempts:2")
# The application is read once, in the parent: a configuration error ends the process, and workers share memory.
preload_app = True
# Longer than a load balancer keeps an idle connection (60 s on AWS), so it is never the one that is surprised.
keepalive = 75
# Docker kills 10 s after SIGTERM; no request takes longer than 5 s.
graceful_timeout = 8
timeout = 30
# The file system is read-only; workers tell that they live through memory.
worker_tmp_dir = "/dev/shm"  # noqa: S108
control_socket_disable = True
# The application writes its own line about each request.
accesslog = None
errorlog = "-"


def on_starting(_server):
    """Say it at once when the port is taken, instead of trying again for five seconds."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104
        except OSError as error:
            sys.exit(
                f"configuration error: PORT={port}: {error.strerror}; choose another, for example PORT={port + 10}"
            )


def post_worker_init(worker):
    """What each worker needs of its own, a database's connections for example: the parent has none."""
    worker.app.callable.extensions.get("start", lambda: None)()
