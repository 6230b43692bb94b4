"""`python -m localcloud.api --port N`: the API alone on loopback, with no data plane. For work on roles and tests.

Prints the environment that clients need. What would have to become real is ready at once, or after its lifecycle time.
"""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import tempfile
from pathlib import Path

from ..settings import Settings
from . import Api
from .rules import realised


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m localcloud.api", description=__doc__)
    parser.add_argument("--port", type=int, default=4566, help="port on 127.0.0.1 (default 4566; 0 picks a free one)")
    parser.add_argument("--aws-time", type=float, help="factor on AWS's own durations; without it, a quick default")
    parser.add_argument("--table", action="store_true", help="print what is real, what is recorded only, and end")
    arguments = parser.parse_args()
    if arguments.table:
        print(realised.markdown())
        return
    logging.basicConfig(level=logging.INFO)
    with tempfile.TemporaryDirectory() as state:
        settings = Settings(name="developer", aws_time=arguments.aws_time, state_root=Path(state))
        settings.state_dir.mkdir(mode=0o700)
        api = Api(settings, None)
        listener = socket.create_server(("127.0.0.1", arguments.port))
        api.serve([listener])
        print(f"export AWS_ENDPOINT_URL=http://127.0.0.1:{listener.getsockname()[1]} AWS_DEFAULT_REGION=us-east-1")
        print(f"export AWS_ACCESS_KEY_ID={api.credentials.access_key_id}")
        print(f"export AWS_SECRET_ACCESS_KEY={api.credentials.secret_access_key}")
        print(f"# journal: {settings.journal_file}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
        api.close()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
