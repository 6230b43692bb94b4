"""The wrapper around moto's WSGI application, and its server."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from ..contract.reality import Reality
from ..settings import Settings
from . import errors, waiters
from .errors import Answer, AwsError
from .faults import Faults, LostConnectionError
from .iam import dependent_rights, signature, simulation
from .iam.credentials import Credentials
from .idempotency import IdempotencyCache
from .journal import Journal
from .moto import corrections, launch_templates, lifecycle, managed_interfaces, states
from .moto.lifecycle import Lifecycle
from .moto.reader import Reader
from .moto.states.instances import follow_power_off
from .request import Call
from .rules import cidr_blocks, refusals, service_model, supported_actions, unsupported_parameters

log = logging.getLogger(__name__)

# Services with one moto application each (others have several, by version or path).
ONE_APPLICATION = {"ec2", "elb", "elbv2", "rds", "iam", "sts", "ssm", "logs", "cloudwatch", "secretsmanager", "kms"}


class Api:
    """The AWS API of one local cloud. moto keeps its state in the process, so there is one Api per process.

    reality: what the data plane has made real; None without a data plane (everything is then real at once).
    on_change: called after each call that may have changed something.
    """

    def __init__(
        self,
        settings: Settings,
        reality: Reality | None,
        *,
        on_change: Callable[[], None] = lambda: None,
        credentials: Credentials | None = None,
    ) -> None:
        self.settings = settings
        self.reality = reality
        self.on_change = on_change
        self.credentials = credentials or Credentials.new()
        self.credentials.write(settings.state_dir / "credentials.json")
        self.journal = Journal(settings.journal_file)
        # moto's models are not thread-safe: handle one call at a time.
        self.lock = threading.RLock()
        corrections.apply()
        simulation.apply()
        states.apply()
        self.reader = Reader(self.lock)
        self.lifecycle = Lifecycle(settings.aws_time, reality)
        lifecycle.use(self.lifecycle)
        self.faults = Faults()
        self._idempotency = IdempotencyCache()
        signature.create_administrator(self.credentials)
        self._ended = threading.Event()
        clock = threading.Thread(
            target=self.lifecycle.run,
            args=(self.lock, follow_power_off, self.on_change, self._ended),
            name="api-clock",
            daemon=True,
        )
        clock.start()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._applications: dict[str, Any] = {}
        self._servers: list[BaseWSGIServer] = []

    # -- one call ---------------------------------------------------------------------------------------
    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        began = time.monotonic()
        call = Call(environ)
        try:
            status, headers, body = self._answer(call)
        except LostConnectionError:
            self.journal.write(call, 0, "ConnectionReset", time.monotonic() - began)
            raise
        error = errors.code_of(body, headers) if status >= HTTPStatus.BAD_REQUEST else None
        self.journal.write(call, status, error, time.monotonic() - began)
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def _answer(self, call: Call) -> Answer:
        try:
            loses_answer = self.faults.before(call)
            answer = self._work(call)
        except AwsError as error:
            return errors.render(call, error)
        except NotImplementedError as error:
            return errors.render(call, supported_actions.not_realised(call, str(error)))
        except LostConnectionError:
            raise
        except Exception as error:
            log.exception("%s", call.name)
            return errors.render(call, AwsError("InternalError", f"{type(error).__name__}: {error}", 500))
        self.faults.after(call, answer[2])
        if call.mutates and answer[0] < HTTPStatus.BAD_REQUEST:
            self.on_change()
        if loses_answer:
            raise LostConnectionError
        return answer

    def _work(self, call: Call) -> Answer:
        """Refuse what AWS or the local cloud would refuse, and pass the rest to moto."""
        with self.lock:
            signature.check(call)
        supported_actions.refuse(call)
        cidr_blocks.normalize(call)
        service_model.check(call)
        waiters.hold(call, self.lifecycle)
        with self.lock:
            if answer := self._idempotency.recall(call):
                return answer
            whole = launch_templates.fill(call)
            refusals.check(whole)
            unsupported_parameters.refuse(whole)
            if call.is_dry_run and call.is_change:
                raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
            answer = self._ask_moto(call)
            self._idempotency.keep(call, answer)
            return answer

    def _ask_moto(self, call: Call) -> Answer:
        seen: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], None]:
            seen.update(status=int(status.split()[0]), headers=headers)
            return lambda _data: None

        call.environ["wsgi.input"] = io.BytesIO(call.body)
        body = b"".join(self._application(call)(call.environ, start))
        if call.mutates and call.service in ("elbv2", "rds") and seen["status"] < HTTPStatus.BAD_REQUEST:
            managed_interfaces.sync(call.region)
            dependent_rights.make_service_linked_role(call)
        return seen["status"], seen["headers"], body

    def _application(self, call: Call) -> Any:
        """moto's application for the service, cached because moto searches all services on each call."""
        if call.service not in ONE_APPLICATION:
            return self._moto.get_application(call.environ)
        if call.service not in self._applications:
            self._applications[call.service] = self._moto.get_application(call.environ)
        return self._applications[call.service]

    # -- serving ----------------------------------------------------------------------------------------
    def serve(self, sockets: Iterable[socket.socket] | socket.socket) -> None:
        """Serve on these listening sockets, each in its own thread, until close()."""
        for listener in [sockets] if isinstance(sockets, socket.socket) else sockets:
            host, port = listener.getsockname()[:2]
            server = make_server(host, port, self, threaded=True, request_handler=_Handler, fd=listener.fileno())
            self._servers.append(server)
            threading.Thread(target=server.serve_forever, name=f"api-{port}", daemon=True).start()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each listening socket."""
        return [(str(server.server_address[0]), int(server.server_address[1])) for server in self._servers]

    def close(self) -> None:
        self._ended.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self.journal.close()


class _Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Reset the connection: with SO_LINGER at zero the kernel sends RST, not FIN."""
        self.close_connection = True
        with contextlib.suppress(OSError):  # the client may have closed it already
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.connection.detach())

    def log(self, type: str, message: str, *args: Any) -> None:
        log.debug(message, *args)
