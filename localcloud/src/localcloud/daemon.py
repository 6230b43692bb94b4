"""The local cloud's daemon: the AWS API, the data plane that follows it, and the control socket."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import Any

from . import clouds, report
from .api import Api
from .contract.reality import Reality
from .control import ControlServer, Handler
from .dataplane.network.port_forward import PortForwardError
from .dataplane.plane import DataPlane
from .internet import Internet
from .machine.guard import Guard
from .settings import Settings

log = logging.getLogger("localcloud.daemon")


class Daemon:
    """The guard must be up before the first bridge and stay until after the last packet (see clouds.down)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.reality = Reality()
        self.guard = Guard(settings)
        self.guard.up()
        self.dataplane = DataPlane(settings, self.reality, self.guard)
        self.api = Api(settings, self.reality, on_change=self.dataplane.wake)
        self.internet = Internet(settings, self.api)

    def run(self, ended: threading.Event) -> None:
        """Run until `ended` is set."""
        self.dataplane.start(self.api.reader)
        self.internet.open()
        control = ControlServer(self.settings.control_socket, self._requests())
        threading.Thread(target=control.serve_forever, name="control", daemon=True).start()
        log.info("up: API at %s", self.settings.endpoint_url)
        ended.wait()
        log.info("stopping")
        self.internet.close()
        self.dataplane.close()
        control.shutdown()

    def _requests(self) -> dict[str, Handler]:
        def status(_: dict[str, Any]) -> Any:
            return report.status(self.settings, self.api.reader.read(), self.reality, self.guard)

        def faults(knobs: dict[str, Any]) -> Any:
            return self.api.faults.set(**knobs)

        return {
            "ping": lambda _: {"name": self.settings.name, "pid": os.getpid()},
            "status": status,
            "faults": faults,
            "clear-faults": lambda _: self.api.faults.clear(),
        }


def main() -> None:
    """Entry point of `python -m localcloud.daemon NAME`, which `localcloud up` runs."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr, force=True
    )
    for noisy in ("werkzeug", "botocore", "boto3", "docker", "urllib3", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    settings = clouds.find(sys.argv[1])
    if settings is None:
        sys.exit(f"no local cloud {sys.argv[1]!r} is registered. Start one with: localcloud up")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        Daemon(settings).run(ended)
    except PortForwardError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
