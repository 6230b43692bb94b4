"""The backend and a real PostgreSQL: away, back, frozen, refusing, encrypted, shared."""

from __future__ import annotations

import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.apps.conftest import StartApplication
from tests.apps.processes import Application, Postgres, get, wait_for

LONGEST = 3.0


def end_connections(postgres: Postgres) -> int:
    """End all of the application's connections; returns how many there were."""
    return len(
        postgres.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where datname = 'backend' and pid <> pg_backend_pid()"
        )
    )


def connections(postgres: Postgres) -> int:
    """How many connections the server has, other than the one that asks."""
    return postgres.execute(
        "select count(*) from pg_stat_activity where datname = 'backend' and pid <> pg_backend_pid()"
    )[0][0]


class Load:
    """Threads that ask for `/instances` and `/readyz` until they are stopped, and remember what they got."""

    def __init__(self, application: Application, threads: int = 8) -> None:
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self.unfit: list[str] = []
        self._application, self._over, self._lock = application, threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.01):
            for path in ("/instances", "/readyz"):
                reply = get(self._application.url + path)
                with self._lock:
                    self.statuses[reply.status] += 1
                    self.slowest = max(self.slowest, reply.seconds)
                    if reply.status not in (200, 503) or "name" not in reply.json:
                        self.unfit.append(f"{path} {reply.status} {reply.body!r}")

    def seen(self, status: int, times: int = 20) -> None:
        """Wait until so many further answers have had this status."""
        want = self.statuses[status] + times
        wait_for(lambda: self.statuses[status] >= want, f"{times} more answers {status}, had {self.statuses}")


def test_starts_while_the_database_is_away_and_finds_it(start: StartApplication, postgres: Postgres):
    postgres.stop()
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn())
    backend.wait()
    reply = backend.wait("/readyz", 503)
    assert "Connection refused" in reply.json["error"]
    assert backend.get("/version").status == 200
    wait_for(lambda: "the database is away" in backend.out.read_text(), "a line about it")
    postgres.start()
    backend.wait("/readyz", 200)
    assert [instance["name"] for instance in backend.get("/instances").json["instances"]] == ["backend-1"]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_stopped_under_load_and_started_again(start: StartApplication, postgres: Postgres, mode: str):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn())
    backend.wait("/readyz")
    with Load(backend) as load:
        load.seen(200)
        assert load.statuses[503] == 0
        postgres.stop(mode)
        load.seen(503)
        postgres.start()
        backend.wait("/readyz")
        # Back for good, once answers under way have arrived: no lost connection is handed out any more.
        load.seen(200)
        before = load.statuses[503]
        load.seen(200, 200)
        assert load.statuses[503] == before
    assert not load.unfit
    assert load.slowest < LONGEST
    assert connections(postgres) <= 7
    assert not [line for line in backend.log() if "exception" in line]


def test_the_first_request_finds_a_connection(start: StartApplication, postgres: Postgres):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn())
    backend.wait("/version")
    # The keeper's own and one for a request, before there was any.
    wait_for(lambda: connections(postgres) == 2, "two connections")


def test_a_read_only_database(start: StartApplication, postgres: Postgres):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn())
    backend.wait("/readyz")
    postgres.execute("alter database backend set default_transaction_read_only = on", database="postgres")
    end_connections(postgres)
    backend.wait("/readyz", 503)
    for path in ("/readyz", "/instances"):
        wait_for(partial(_says, backend, path, "read-only transaction"), f"{path} to say why")
    postgres.execute("alter database backend reset default_transaction_read_only", database="postgres")
    backend.wait("/readyz")
    assert not [line for line in backend.log() if "exception" in line]


def test_a_dropped_table(start: StartApplication, postgres: Postgres):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn())
    backend.wait("/readyz")
    postgres.execute("alter table instances rename to hidden")
    reply = backend.get("/instances")
    assert reply.status == 503
    assert reply.json["error"] == 'the database cannot be used: relation "instances" does not exist'
    wait_for(partial(_says, backend, "/readyz", 'relation "instances" does not exist'), "the heartbeat to say so")
    postgres.execute("alter table hidden rename to instances")
    backend.wait("/readyz")
    assert backend.get("/instances").status == 200
    assert not [line for line in backend.log() if "exception" in line]


def _says(backend: Application, path: str, reason: str) -> bool:
    reply = backend.get(path)
    return reply.status == 503 and reason in reply.json["error"]


def test_a_lost_connection_is_replaced(start: StartApplication, postgres: Postgres):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn())
    backend.wait("/readyz")
    for _ in range(5):
        # Those that a request used last; the keeper's own goes on, so nobody but the pool can notice.
        ended = postgres.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = 'backend' and query = 'select 1'"
        )
        assert ended
        assert backend.get("/readyz").status == 200


def test_all_connections_lost_at_once(start: StartApplication, postgres: Postgres):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn())
    backend.wait("/readyz")
    assert end_connections(postgres) >= 2
    backend.wait("/readyz")
    assert {backend.get("/readyz").status for _ in range(20)} == {200}


def test_a_frozen_server_delays_no_request_for_long(start: StartApplication, postgres: Postgres):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn())
    backend.wait("/readyz")
    with Load(backend) as load:
        load.seen(200)
        with postgres.frozen():
            load.seen(503)
            assert backend.get("/version").status == 200
        load.seen(200, 50)
    assert not load.unfit
    assert load.slowest < LONGEST
    wait_for(lambda: connections(postgres) <= 7, "connections that were given up to end")


def test_connections_are_limited_under_load(start: StartApplication, postgres: Postgres):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn(), THREADS="32")
    backend.wait("/readyz")
    with Load(backend, threads=24) as load:
        load.seen(200, 300)
        most = connections(postgres)
    assert load.statuses[503] == 0
    # The pool's six and the keeper's own.
    assert 2 <= most <= 7


def test_a_server_without_room_for_more_connections(start: StartApplication, postgres: Postgres):
    postgres.execute("create role tight login password 'tight-password' connection limit 1")
    try:
        postgres.execute("alter database backend owner to tight")
        backend = start("backend", DBCONNECTIONSTRING=postgres.dsn("tight", "tight-password"))
        backend.wait("/readyz", 503)
        reply = wait_for(lambda: _busy(backend), "the pool to say that it may not grow")
        assert reply.seconds < LONGEST
        postgres.execute("alter role tight connection limit 5")
        backend.wait("/readyz", 200)
    finally:
        backend.stop()
        postgres.execute("alter database backend owner to owner", database="postgres")
        postgres.execute("drop owned by tight")
        postgres.execute("drop role tight")


def _busy(backend: Application):
    reply = backend.get("/readyz")
    return reply if "not connected yet" in reply.json.get("error", "") else None


def test_backends_that_start_at_once_share_one_schema_and_list_each_other(start: StartApplication, postgres: Postgres):
    names = [f"backend-{number}" for number in range(1, 5)]
    backends = [start("backend", NAME=name, DBCONNECTIONSTRING=postgres.dsn()) for name in names]
    for backend in backends:
        backend.wait("/readyz")
    for backend in backends:
        listed = backend.get("/instances").json["instances"]
        assert [instance["name"] for instance in listed] == names
        assert all(instance["alive"] for instance in listed)
        assert not [line for line in backend.log() if line["level"] not in ("info",)]
    assert postgres.execute("select version from schema_migrations") == [(1,)]


def test_a_backend_that_stopped_is_listed_as_gone(start: StartApplication, postgres: Postgres):
    first = start("backend", DBCONNECTIONSTRING=postgres.dsn())
    first.wait("/readyz")
    second = start("backend", NAME="backend-2", VERSION="0.0.2", DBCONNECTIONSTRING=postgres.dsn())
    second.wait("/readyz")
    second.stop()
    # A minute of waiting, shortened.
    postgres.execute("update instances set last_seen = last_seen - interval '1 minute' where name = 'backend-2'")
    alive = {entry["name"]: (entry["version"], entry["alive"]) for entry in first.get("/instances").json["instances"]}
    assert alive == {"backend-1": ("0.0.1", True), "backend-2": ("0.0.2", False)}


def test_the_heartbeat_goes_on(start: StartApplication, postgres: Postgres):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn())
    backend.wait("/readyz")
    before = backend.get("/instances").json["instances"][0]

    def later_one() -> dict | None:
        now = backend.get("/instances").json["instances"][0]
        return now if now["last_seen"] > before["last_seen"] else None

    later = wait_for(later_one, "a later heartbeat")
    assert later is not None
    assert later["started"] == before["started"]


def test_wrong_password(start: StartApplication, postgres: Postgres):
    postgres.execute("create role careless superuser login password 'right-password'")
    try:
        backend = start("backend", DBCONNECTIONSTRING=postgres.dsn("careless", "geheim-wrong"))
        reply = backend.wait("/readyz", 503)
        wait_for(lambda: "password authentication failed" in backend.get("/readyz").json["error"], "the reason")
        assert reply.seconds < LONGEST
        said = backend.out.read_text() + backend.err.read_text() + backend.get("/readyz").body.decode()
        assert "password authentication failed" in said
        assert "geheim-wrong" not in said
        postgres.execute("alter role careless password 'geheim-wrong'")
        backend.wait("/readyz", 200)
    finally:
        backend.stop()
        postgres.execute("drop owned by careless cascade")
        postgres.execute("drop role careless")


def test_tls_required(start: StartApplication, tls_postgres: Postgres):
    plain = start("backend", DBCONNECTIONSTRING=tls_postgres.dsn(extra="sslmode=disable"))
    reply = wait_for(lambda: plain.answers("/readyz", 503), "a refusal")
    wait_for(lambda: "no encryption" in plain.get("/readyz").json["error"], f"the reason, had {reply}")
    checked = f"sslmode=verify-full sslrootcert={tls_postgres.certificate}"
    start("backend", NAME="backend-2", DBCONNECTIONSTRING=tls_postgres.dsn(extra=checked)).wait("/readyz")
    encrypted = tls_postgres.execute(
        "select ssl, version from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'backend-2'"
    )
    assert set(encrypted) == {(True, "TLSv1.3")}


def test_a_server_with_another_certificate_is_refused(start: StartApplication, tls_postgres: Postgres, tmp_path: Path):
    # Any other certificate: the machine's own list does not hold the server's.
    other = tmp_path / "other.crt"
    other.write_bytes(open("/etc/ssl/certs/ca-certificates.crt", "rb").read())  # noqa: SIM115
    backend = start("backend", DBCONNECTIONSTRING=tls_postgres.dsn(extra=f"sslmode=verify-full sslrootcert={other}"))
    backend.wait("/readyz", 503)
    wait_for(lambda: "certificate verify failed" in backend.get("/readyz").json["error"], "the reason")


def test_the_misspelt_variable_works_with_one_warning(start: StartApplication, postgres: Postgres):
    backend = start("backend", DBCONNETIONSTRING=postgres.dsn())
    backend.wait("/readyz")
    backend.stop()
    warnings = [line["message"] for line in backend.log() if line["level"] == "warning"]
    assert warnings == ["DBCONNETIONSTRING is read as DBCONNECTIONSTRING: please use the second spelling"]
    assert "owner-password" not in backend.out.read_text()


def test_a_connection_uri(start: StartApplication, postgres: Postgres):
    uri = f"postgresql://owner:owner-password@127.0.0.1:{postgres.port}/backend?application_name=walker"
    start("backend", DBCONNECTIONSTRING=uri).wait("/readyz")
    assert postgres.execute("select count(*) from pg_stat_activity where application_name = 'walker'")[0][0] >= 1


def test_two_workers_are_one_instance(start: StartApplication, postgres: Postgres):
    backend = start("backend", DBCONNECTIONSTRING=postgres.dsn(), WORKERS="2")
    backend.wait("/readyz")
    until = time.monotonic() + 6
    started: set[str] = set()
    while time.monotonic() < until and len(started) < 2:
        listed = backend.get("/instances").json["instances"]
        assert [instance["name"] for instance in listed] == ["backend-1"]
        started.add(listed[0]["started"])
    assert len(started) == 1
