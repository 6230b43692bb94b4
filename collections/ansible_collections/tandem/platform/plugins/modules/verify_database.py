#!/usr/bin/python
"""How the containers of a host reach their database: as whom, with which rights, with and without TLS. Reads only."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_database
short_description: Connect to the database as the applications of this host do
description:
  - For each running container that has a connection string, connects from inside it with that very string, asks who it
    is and what it may do, and tries once more without TLS.
  - Changes nothing. The connection string is never returned, and never on a command line. Needs root.
  - In place of M(community.postgresql.postgresql_query), which connects from the host, with the password as its parameter.
    That would prove nothing of what the container reaches and uses.
options:
  variable:
    description: The environment variable of the container that holds the connection string.
    type: str
    default: DBCONNECTIONSTRING
author: Tandem (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Connect to the database as the backends do
  tandem.platform.verify_database:
  become: true
"""

RETURN = r"""
connections:
  description: One item for each container with a connection string.
  returned: always
  type: list
  elements: dict
  sample:
    - container: backend
      user: tandem_backend
      rights: []
      host: db.example.com
      database: tandem
      sslmode: verify-full
      tls: TLSv1.3
      without_tls: "no pg_hba.conf entry for host, no encryption"
at:
  description: When it was looked, ISO 8601 in UTC.
  returned: always
  type: str
"""

import datetime
import json
import subprocess
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.tandem.platform.plugins.module_utils.programs import run

# Runs in the container, which has psycopg2; reads the connection string from its standard input.
INSIDE = r"""
import json, sys
import psycopg2
from psycopg2.extensions import parse_dsn

dsn = sys.stdin.readline().rstrip("\n")
options = parse_dsn(dsn)
# libpq connects to hostaddr where there is one; host is then the certificate's name alone.
where = options.get("hostaddr") or options.get("host")
found = {"host": where, "database": options.get("dbname"), "sslmode": options.get("sslmode", "prefer")}
QUESTION = '''
    select current_user, (select version from pg_stat_ssl where pid = pg_backend_pid()),
           rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
           exists (select from pg_auth_members where member = r.oid),
           has_schema_privilege('public', 'create')
    from pg_roles r where rolname = current_user
'''
RIGHTS = ("superuser", "createdb", "createrole", "replication", "bypassrls", "role member", "create in public")
try:
    connection = psycopg2.connect(dsn, connect_timeout=5)
    with connection.cursor() as cursor:
        cursor.execute(QUESTION)
        found["user"], found["tls"], *rights = cursor.fetchone()
    found["rights"] = [name for name, has in zip(RIGHTS, rights) if has]
    connection.close()
except psycopg2.Error as error:
    found["failed"] = " ".join(str(error).split())[:300]
try:
    psycopg2.connect(dsn, sslmode="disable", connect_timeout=5).close()
    found["without_tls"] = "accepted"
except psycopg2.Error as error:
    found["without_tls"] = " ".join(str(error).split())[:300]
print(json.dumps(found))
"""


def connection_string(pid: str, variable: str) -> str:
    """The container's connection string, from its main process; empty where it has none."""
    items = Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
    return next((item.partition("=")[2] for item in items if item.startswith(f"{variable}=")), "")


def look_inside(name: str, dsn: str) -> dict[str, Any]:
    """What a connection from inside the container shows."""
    command = ["docker", "exec", "--interactive", name, "python3", "-c", INSIDE]
    done = run(command, input=f"{dsn}\n", timeout=30)
    if done.returncode:
        return {"container": name, "failed": (done.stderr.strip().splitlines() or ["no answer"])[-1][:300]}
    return {"container": name, **json.loads(done.stdout)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={"variable": {"type": "str", "default": "DBCONNECTIONSTRING"}}, supports_check_mode=True
    )
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    try:
        listed = ["docker", "ps", "--format", "{{.Names}}"]
        names = run(listed, check=True).stdout.split()
        connections = []
        for name in sorted(names):
            inspect = ["docker", "inspect", "--format", "{{.State.Pid}}", name]
            pid = run(inspect, check=True).stdout.strip()
            dsn = connection_string(pid, module.params["variable"])
            if dsn:
                connections.append(look_inside(name, dsn))
    except (OSError, subprocess.SubprocessError) as error:
        module.fail_json(msg=f"the containers cannot be asked: {getattr(error, 'stderr', None) or error}")
    module.exit_json(changed=False, connections=connections, at=at)


if __name__ == "__main__":
    main()
