"""States change as on AWS, and no resource is ready before it is real."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.api import Api
from localcloud.api.moto import lifecycle
from localcloud.api.moto.lifecycle import Lifecycle
from localcloud.contract.reality import Health, Reality, with_password

from ..helpers import World, until


@pytest.fixture
def reality(api: Api) -> Iterator[Reality]:
    """A data plane controlled by the test. Afterwards, `api` has none again."""
    reality = Reality()
    before, clock, ended = lifecycle.current(), Lifecycle(None, reality), threading.Event()
    lifecycle.use(clock)
    running = threading.Thread(target=clock.run, args=(api.lock, lambda: False, lambda: None, ended))
    running.start()
    yield reality
    ended.set()
    running.join()
    lifecycle.use(before)


def state(world: World, instance: str) -> str:
    found = world.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    name: str = found["State"]["Name"]
    return name


def test_an_instance_passes_through_its_states(world: World) -> None:
    answer = world.ec2.run_instances(**world.launch())["Instances"][0]
    instance = answer["InstanceId"]
    assert answer["State"]["Name"] == "pending"
    assert state(world, instance) == "pending"
    world.ec2.get_waiter("instance_running").wait(InstanceIds=[instance])
    world.ec2.get_waiter("instance_status_ok").wait(InstanceIds=[instance])
    world.ec2.stop_instances(InstanceIds=[instance])
    assert state(world, instance) == "stopping"
    world.ec2.get_waiter("instance_stopped").wait(InstanceIds=[instance])
    world.ec2.start_instances(InstanceIds=[instance])
    assert state(world, instance) == "pending"
    world.ec2.get_waiter("instance_running").wait(InstanceIds=[instance])
    ended = world.ec2.terminate_instances(InstanceIds=[instance])["TerminatingInstances"][0]
    assert (ended["PreviousState"]["Name"], ended["CurrentState"]["Name"]) == ("running", "shutting-down")
    world.ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance])


def test_status_checks_come_after_the_instance_runs(world: World) -> None:
    def statuses(**params: Any) -> list[str]:
        found = world.ec2.describe_instance_status(InstanceIds=[instance], **params)["InstanceStatuses"]
        return [status["InstanceStatus"]["Status"] for status in found]

    before = lifecycle.current()
    lifecycle.use(Lifecycle(0.05, None))  # runs after 1.5 s, status checks pass after 6 s
    try:
        instance = world.run()
        assert (statuses(), statuses(IncludeAllInstances=True)) == ([], ["not-applicable"])
        until(lambda: bool(statuses()))
        assert statuses() == ["initializing"]
    finally:
        lifecycle.use(before)
    world.ec2.get_waiter("instance_status_ok").wait(InstanceIds=[instance])
    world.ec2.terminate_instances(InstanceIds=[instance])


def test_an_instance_whose_host_switches_itself_off_stops(world: World, reality: Reality) -> None:
    instance = world.run()
    reality.set_ready(instance)
    until(lambda: state(world, instance) == "running")
    reality.set_powered_off(instance)
    until(lambda: state(world, instance) == "stopping")
    found = world.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert found["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
    reality.set_gone(instance)
    until(lambda: state(world, instance) == "stopped")
    world.ec2.start_instances(InstanceIds=[instance])
    reality.set_ready(instance)
    until(lambda: state(world, instance) == "running")
    world.ec2.terminate_instances(InstanceIds=[instance])


def test_an_instance_runs_when_it_really_does(world: World, reality: Reality) -> None:
    instance = world.run()
    began = time.monotonic()
    until(lambda: lifecycle.current().over("instance pending", began))
    assert state(world, instance) == "pending"
    reality.set_ready(instance)
    until(lambda: state(world, instance) == "running")
    world.ec2.terminate_instances(InstanceIds=[instance])
    reality.set_gone(instance)
    until(lambda: state(world, instance) == "terminated")


def test_an_instance_that_cannot_be_made_real_ends_with_the_reason(world: World, reality: Reality) -> None:
    instance = world.run()
    reality.set_failed(instance, "no memory left")
    found = world.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert found["State"]["Name"] == "terminated"
    assert "no memory left" in found["StateReason"]["Message"]
    world.ec2.terminate_instances(InstanceIds=[instance])


@pytest.mark.parametrize(("factor", "seconds"), [(None, 1), (1.0, 30), (0.1, 3)])
def test_durations_are_awss_own_where_wanted(factor: float | None, seconds: float) -> None:
    clock = Lifecycle(factor, None)
    assert clock.seconds("instance pending") == pytest.approx(seconds)
    assert clock.is_quick == (factor is None)
    assert not clock.over("instance pending", time.monotonic() - seconds + 0.5)
    assert clock.over("instance pending", time.monotonic() - seconds)


def test_boots_are_counted(world: World, api: Api) -> None:
    instance = world.run()
    world.ec2.get_waiter("instance_running").wait(InstanceIds=[instance])
    world.ec2.reboot_instances(InstanceIds=[instance])
    assert state(world, instance) == "running"
    found = next(candidate for candidate in api.reader.read().instances if candidate.id == instance)
    assert found.boots == 2
    world.ec2.terminate_instances(InstanceIds=[instance])


def health(world: World, group: str, target: str) -> dict[str, Any]:
    found = world.elbv2.describe_target_health(TargetGroupArn=group, Targets=[{"Id": target}])
    health: dict[str, Any] = found["TargetHealthDescriptions"][0]["TargetHealth"]
    return health


def test_target_health_is_realitys(world: World, reality: Reality, name: str) -> None:
    group = world.target_group(name)
    world.elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": world.instance}])
    assert health(world, group, world.instance)["Reason"] == "Target.NotInUse"
    listener = world.elbv2.create_listener(
        **world.listens(8090, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    )["Listeners"][0]["ListenerArn"]
    assert health(world, group, world.instance)["State"] == "initial"
    reality.set_health(group, world.instance, 5000, Health("unhealthy", "Target.Timeout", "Request timed out"))
    assert health(world, group, world.instance) == {
        "State": "unhealthy",
        "Reason": "Target.Timeout",
        "Description": "Request timed out",
    }
    reality.set_health(group, world.instance, 5000, Health("healthy"))
    assert health(world, group, world.instance)["State"] == "healthy"
    world.elbv2.deregister_targets(TargetGroupArn=group, Targets=[{"Id": world.instance}])
    assert health(world, group, world.instance)["State"] == "draining"
    world.elbv2.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}]
    )
    assert health(world, group, world.instance)["State"] == "unused"
    world.elbv2.delete_listener(ListenerArn=listener)


def status(world: World, name: str) -> str:
    found: str = world.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"]
    return found


def test_a_database_passes_through_its_states(world: World, api: Api, name: str) -> None:
    made = world.rds.create_db_instance(**world.database(name))["DBInstance"]
    assert made["DBInstanceStatus"] == "creating"
    assert "Endpoint" not in made
    world.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name)
    ready = world.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    assert ready["Endpoint"]["Address"].startswith(f"{name}.c")
    assert ready["Endpoint"]["Address"].endswith(".us-east-1.rds.amazonaws.com")

    world.rds.modify_db_instance(DBInstanceIdentifier=name, DBInstanceClass="db.m5.large")
    waiting = world.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    assert (waiting["DBInstanceClass"], waiting["PendingModifiedValues"]) == (
        "db.t3.micro",
        {"DBInstanceClass": "db.m5.large"},
    )
    world.rds.modify_db_instance(DBInstanceIdentifier=name, ApplyImmediately=True)
    noticed = world.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    assert (noticed["DBInstanceStatus"], noticed["PendingModifiedValues"]) == (
        "available",  # for up to a minute
        {"DBInstanceClass": "db.m5.large"},
    )
    until(lambda: status(world, name) == "modifying")
    until(
        lambda: (
            world.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceClass"]
            == "db.m5.large"
        )
    )
    world.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name)

    world.rds.delete_db_instance(DBInstanceIdentifier=name, FinalDBSnapshotIdentifier=f"{name}-final")
    seen = world.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    assert seen["DBInstanceStatus"] == "deleting"
    world.rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=name)
    world.rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier=f"{name}-final")
    world.rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=f"{name}-2", DBSnapshotIdentifier=f"{name}-final", DBSubnetGroupName="world"
    )
    restored = next(database for database in api.reader.read().databases if database.id.endswith(f":{name}-2"))
    assert restored.restore_from is not None
    assert restored.restore_from.endswith(f":snapshot:{name}-final")
    assert restored.master_password == world.database(name)["MasterUserPassword"]
    world.rds.delete_db_instance(DBInstanceIdentifier=f"{name}-2", SkipFinalSnapshot=True)


def test_a_new_master_password_is_pending_until_the_server_has_it(world: World, name: str, reality: Reality) -> None:
    arn = world.rds.create_db_instance(**world.database(name))["DBInstance"]["DBInstanceArn"]
    reality.set_ready(arn)

    def seen() -> tuple[str, dict[str, str]]:
        found = world.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        return found["DBInstanceStatus"], found.get("PendingModifiedValues", {})

    until(lambda: seen() == ("available", {}))
    world.rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword="another-Secret-2")
    assert seen() == ("available", {"MasterUserPassword": "****"})
    until(lambda: seen() == ("resetting-master-credentials", {"MasterUserPassword": "****"}))
    until(lambda: seen()[0] == "available")
    assert seen() == ("available", {"MasterUserPassword": "****"})
    reality.set_ready(with_password(arn, "another-Secret-2"))
    until(lambda: seen() == ("available", {}))
    reality.set_gone(arn)
    world.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def test_parameters_take_effect_when_aws_lets_them(world: World, api: Api, name: str) -> None:
    world.rds.create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily="postgres17", Description="for this test"
    )
    world.rds.create_db_instance(**world.database(name, DBParameterGroupName=name))
    world.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name)

    def parameters() -> dict[str, str]:
        databases = api.reader.read().databases
        return dict(next(database.parameters for database in databases if database.id.endswith(f":{name}")))

    def status() -> str:
        found = world.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        status: str = found["DBParameterGroups"][0]["ParameterApplyStatus"]
        return status

    def put(parameter: str, value: str, method: str) -> None:
        params = {"ParameterName": parameter, "ParameterValue": value, "ApplyMethod": method}
        world.rds.modify_db_parameter_group(DBParameterGroupName=name, Parameters=[params])

    put("log_connections", "1", "immediate")
    assert (parameters(), status()) == ({"log_connections": "1"}, "in-sync")
    put("max_connections", "50", "pending-reboot")
    assert (parameters(), status()) == ({"log_connections": "1"}, "pending-reboot")
    world.rds.reboot_db_instance(DBInstanceIdentifier=name)
    assert parameters() == {"log_connections": "1", "max_connections": "50"}
    world.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name)
    assert status() == "in-sync"
    world.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
