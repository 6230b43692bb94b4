"""The API alone on loopback, without a data plane: resources become ready when their lifecycle time is over."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
from pathlib import Path

from ..settings import Settings, SettingsError
from .server import Api


def serve(port: int, aws_time: float | None) -> None:
    """Print the environment for clients; return on SIGINT or SIGTERM. port: 0 picks a free one."""
    # Block before the first thread starts, because threads inherit the mask.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    logging.basicConfig(level=logging.INFO)
    with tempfile.TemporaryDirectory() as state:
        settings = Settings(name="developer", aws_time=aws_time, state_root=Path(state))
        settings.state_dir.mkdir(mode=0o700)
        try:
            listener = socket.create_server(("127.0.0.1", port))
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise SettingsError(f"--port={port}: {reason}. Choose another, or --port 0 for a free one") from error
        api = Api(settings, None)
        api.serve([listener])
        print(f"export AWS_ENDPOINT_URL=http://127.0.0.1:{listener.getsockname()[1]} AWS_DEFAULT_REGION=us-east-1")
        print(f"export AWS_ACCESS_KEY_ID={api.credentials.access_key_id}")
        print(f"export AWS_SECRET_ACCESS_KEY={api.credentials.secret_access_key}")
        print(f"# journal: {settings.journal_file}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
        api.close()
