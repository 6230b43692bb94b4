"""Break a running deployment as machines and people do: site.yml brings back what is missing, and nothing else.

Runs where the environment's AWS is: `localcloud exec -- python -m tests.releases.repair -i inventory/local`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from .fleet import BIN, TIERS, Fleet
from .options import read_options

LOCK = {"ssm:PutParameter", "ssm:DeleteParameter"}
ADMIT = {"elbv2:RegisterTargets"}
REPLACE = ADMIT | {"elbv2:DeregisterTargets"}
SETTINGS = {"rds:ModifyDBInstance", "rds:AddTagsToResource", "rds:RemoveTagsFromResource"}


@dataclass(frozen=True)
class Fault:
    """breaks: does it, and waits until it is done. calls: what the repair may write. hosts: whose container may change."""

    name: str
    breaks: Callable[[Fleet], None]
    calls: set[str]
    hosts: set[str]


def a_host_is_terminated(fleet: Fleet) -> None:
    instance = fleet.instance("backend-2")["InstanceId"]
    fleet.ec2.terminate_instances(InstanceIds=[instance])
    fleet.ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1})


def a_container_is_killed(fleet: Fleet) -> None:
    fleet.run("frontend-1", "docker", "kill", fleet.application("frontend-1"))


def a_container_is_removed(fleet: Fleet) -> None:
    fleet.run("backend-1", "docker", "rm", "--force", fleet.application("backend-1"))


def a_target_is_deregistered(fleet: Fleet) -> None:
    target = {"Id": fleet.instance("frontend-2")["InstanceId"]}
    fleet.elbv2.deregister_targets(TargetGroupArn=fleet.target_group("frontend"), Targets=[target])


def docker_is_stopped(fleet: Fleet) -> None:
    fleet.run("backend-1", "systemctl", "stop", "docker.socket", "docker.service")


def the_database_is_rebooted(fleet: Fleet) -> None:
    fleet.rds.reboot_db_instance(DBInstanceIdentifier=fleet.database)


def the_database_is_restored(fleet: Fleet) -> None:
    """By hand and in a hurry: from a snapshot, into its subnets, and with nothing else that it had."""
    snapshot = f"{fleet.database}-repair"
    fleet.rds.create_db_snapshot(DBInstanceIdentifier=fleet.database, DBSnapshotIdentifier=snapshot)
    fleet.rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier=snapshot, WaiterConfig={"Delay": 1})
    subnets = fleet.rds.describe_db_instances(DBInstanceIdentifier=fleet.database)["DBInstances"][0]["DBSubnetGroup"]
    fleet.rds.delete_db_instance(DBInstanceIdentifier=fleet.database, SkipFinalSnapshot=True)
    fleet.rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=fleet.database, WaiterConfig={"Delay": 1})
    fleet.rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=fleet.database,
        DBSnapshotIdentifier=snapshot,
        DBSubnetGroupName=subnets["DBSubnetGroupName"],
    )
    fleet.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=fleet.database, WaiterConfig={"Delay": 1})
    fleet.rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot)


FAULTS = (
    Fault("a host is terminated", a_host_is_terminated, ADMIT | {"ec2:RunInstances"}, {"backend-2"}),
    Fault("a container is killed", a_container_is_killed, REPLACE, {"frontend-1"}),
    Fault("a container is removed", a_container_is_removed, REPLACE, {"backend-1"}),
    Fault("a target is deregistered", a_target_is_deregistered, ADMIT, set()),
    Fault("Docker is stopped", docker_is_stopped, REPLACE, {"backend-1"}),
    Fault("the database is rebooted", the_database_is_rebooted, set(), set()),
    Fault("the database is restored from a snapshot", the_database_is_restored, SETTINGS, set()),
)


def containers(fleet: Fleet) -> dict[str, str]:
    """The running application container of each host, by its ID."""
    counts = {tier: int(fleet.variables[f"{tier}_count"]) for tier in TIERS}
    hosts = [f"{tier}-{number}" for tier in TIERS for number in range(1, counts[tier] + 1)]
    return {
        host: fleet.run(host, "docker", "ps", "--quiet", "--no-trunc", "--filter", "label=release") for host in hosts
    }


def written() -> list[str]:
    """The API calls so far that changed something."""
    journal = [str(BIN / "localcloud"), "journal", "--mutating"]
    lines = subprocess.run(journal, capture_output=True, text=True, check=True).stdout.splitlines()
    return [f"{call['service']}:{call['action']}" for call in map(json.loads, lines)]


def attempt(fleet: Fleet, fault: Fault) -> list[str]:
    """Break it and run site.yml: what is wrong after, in words."""
    before = containers(fleet)
    fault.breaks(fleet)
    journal = len(written())
    run = fleet.watched("site.yml", {})
    wrong = [] if run.status == 0 else [f"site.yml ended with status {run.status}\n{run.output[-4000:]}"]
    if more := sorted(set(written()[journal:]) - fault.calls - LOCK):
        wrong.append(f"site.yml wrote more than what was missing: {', '.join(more)}")
    if run.status == 0:
        changed = {host for host, container in containers(fleet).items() if container != before[host]}
        if more := sorted(changed - fault.hosts):
            wrong.append(f"the containers of {', '.join(more)} changed, which were well")
        wrong += fleet.differs(str(fleet.variables["app_version"]))
    print(f"{'WRONG' if wrong else 'ok   '} {fault.name}: back, and verified, after {run.seconds:.0f} s", flush=True)
    print(*(f"      ! {line}\n" for line in wrong), sep="", end="", flush=True)
    return wrong


def main() -> int:
    options = read_options(__doc__, "repair", [fault.name for fault in FAULTS], 0)
    faults = options.chosen("faults", {fault.name: fault for fault in FAULTS})
    fleet = Fleet(options.inventory, options.extra)
    wrong = [attempt(fleet, fault) for fault in faults]
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
