"""The deployment's four hosts, created with boto3: requests through both load balancers to the database, and failures.

Each test restores what it changed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import partial
from http.client import HTTPException

import psycopg2
import pytest

from four_hosts import NAME, PASSWORD, FourHosts, from_internet, soon
from lab import count
from localcloud.testing import Cloud

pytestmark = pytest.mark.cloud


def made(cloud: Cloud) -> FourHosts:
    hosts = FourHosts(cloud)
    try:
        return hosts.make()
    except Exception:
        print(hosts.settings.log_file.read_text()[-5000:])
        raise


@pytest.fixture(scope="module")
def hosts() -> Iterator[FourHosts]:
    cloud = Cloud(NAME)
    cloud.localcloud("down")
    try:
        cloud.localcloud("up")
        yield from_internet(made)(cloud)
        count(cloud.status()["leaked_packets"])
    finally:
        cloud.localcloud("down")


@from_internet
def test_a_request_passes_both_load_balancers_and_reaches_the_database(hosts: FourHosts) -> None:
    assert {hosts.get("/")["name"] for _ in range(8)} == {"frontend-1", "frontend-2"}
    answers = [hosts.query("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()") for _ in range(8)]
    assert {answer["status"] for answer in answers} == {200}
    assert {answer["answer"]["name"] for answer in answers} == {"backend-1", "backend-2"}
    assert answers[0]["answer"]["found"] == ["t", "TLSv1.3"]


@from_internet
def test_the_console_shows_the_key_that_the_host_then_has(hosts: FourHosts) -> None:
    operator = {"IpRanges": [{"CidrIp": f"{hosts.settings.operator_address}/32"}]}
    hosts.permit("frontend", 22, **operator)
    elastic = hosts.ec2.allocate_address(Domain="vpc")
    instance = hosts.stack.ids["frontend-1"]
    hosts.ec2.associate_address(InstanceId=instance, AllocationId=elastic["AllocationId"])
    assert soon(lambda: scanned(elastic["PublicIp"]) != "")
    fingerprint = scanned(elastic["PublicIp"])
    console = hosts.ec2.get_console_output(InstanceId=instance)["Output"]
    shown = console.partition("BEGIN SSH HOST KEY FINGERPRINTS")[2].partition("END SSH HOST KEY FINGERPRINTS")[0]
    assert fingerprint in shown
    other = hosts.ec2.get_console_output(InstanceId=hosts.stack.ids["frontend-2"])["Output"]
    assert fingerprint not in other, "every host has keys of its own"
    disassociate(hosts, elastic["AllocationId"])
    hosts.ec2.release_address(AllocationId=elastic["AllocationId"])
    hosts.revoke("frontend", 22, **operator)


def disassociate(hosts: FourHosts, allocation: str) -> None:
    found = hosts.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]
    hosts.ec2.disassociate_address(AssociationId=found["AssociationId"])


def scanned(address: str) -> str:
    """Fingerprint of the ED25519 key that an SSH server shows, empty if none answers."""
    key = subprocess.run(["ssh-keyscan", "-T", "2", "-t", "ed25519", address], capture_output=True, check=False).stdout
    listed = subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=key, capture_output=True, check=False).stdout
    return listed.decode().split()[1] if listed else ""


@from_internet
def test_each_tier_reaches_the_next_one_only(hosts: FourHosts) -> None:
    database, backend = hosts.endpoint(), hosts.instance(hosts.stack.ids["backend-1"])["PrivateIpAddress"]
    inner = hosts.balancer("backend")["DNSName"]
    assert hosts.probe(inner, 80) == "open"
    assert hosts.probe(database, 5432) == hosts.probe(backend, 5001) == "dropped"
    for private in (*hosts.resolve(inner), *hosts.resolve(database), backend):
        with pytest.raises(OSError, match=r"unreachable|No route"):
            hosts.get("/", address=private)
    hosts.permit("database", 5432, **hosts.of("frontend"))
    assert soon(lambda: hosts.probe(database, 5432) == "open"), "the twin: one rule more"
    hosts.revoke("database", 5432, **hosts.of("frontend"))
    assert soon(lambda: hosts.probe(database, 5432) == "dropped")


@from_internet
def test_a_revoked_rule_is_seen_in_health_and_answers(hosts: FourHosts) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 9999, **hosts.of("internal_alb")}
    wanted = {"GroupId": hosts.stack.ids["backend"], "IpPermissions": [rule]}
    group = hosts.target_group("backend")
    quick = {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "UnhealthyThresholdCount": 2}
    hosts.elb.modify_target_group(TargetGroupArn=group, HealthyThresholdCount=2, **quick)
    hosts.ec2.revoke_security_group_ingress(**wanted)
    hosts.await_health("backend", {"unhealthy": 2})
    assert {target["Reason"] for target in hosts.health(group).values()} == {"Target.Timeout"}
    assert hosts.backend("/")["status"] == 504, "all are unhealthy: it tries all the same"
    hosts.ec2.authorize_security_group_ingress(**wanted)
    hosts.await_health("backend", {"healthy": 2})
    assert hosts.backend("/")["status"] == 200


@from_internet
def test_backends_go_out_by_the_nat_gateways_route_alone(hosts: FourHosts) -> None:
    asked = f"/probe?host={hosts.settings.api_address}&port=80"
    table = {"RouteTableId": hosts.stack.ids["private_table"], "DestinationCidrBlock": "0.0.0.0/0"}
    routes = hosts.ec2.describe_route_tables(RouteTableIds=[table["RouteTableId"]])["RouteTables"][0]["Routes"]
    gateway = next(route["NatGatewayId"] for route in routes if "NatGatewayId" in route)
    assert hosts.backend(asked)["answer"]["found"] == "open"
    hosts.ec2.delete_route(**table)
    assert soon(lambda: hosts.backend(asked)["answer"]["found"] == "dropped")
    hosts.ec2.create_route(**table, NatGatewayId=gateway)
    assert soon(lambda: hosts.backend(asked)["answer"]["found"] == "open")


@from_internet
def test_a_stopped_host_gets_nothing_and_returns_with_its_address(hosts: FourHosts) -> None:
    instance = hosts.stack.ids["backend-1"]
    before = hosts.instance(instance)
    hosts.ec2.stop_instances(InstanceIds=[instance])
    hosts.await_instance("stopped", instance)
    group = hosts.target_group("backend")
    assert soon(lambda: hosts.health(group)[instance].get("Reason") == "Target.InvalidState"), hosts.health(group)
    assert {hosts.backend("/")["answer"]["name"] for _ in range(6)} == {"backend-2"}
    hosts.ec2.start_instances(InstanceIds=[instance])
    hosts.await_health("backend", {"healthy": 2})
    assert hosts.instance(instance)["PrivateIpAddress"] == before["PrivateIpAddress"]
    assert soon(lambda: {hosts.backend("/")["answer"]["name"] for _ in range(6)} == {"backend-1", "backend-2"})


@from_internet
def test_a_target_drains_as_long_as_its_group_says(hosts: FourHosts) -> None:
    group, instance = hosts.target_group("backend"), hosts.stack.ids["backend-1"]
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "3"}
    hosts.elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[delay])
    hosts.elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    assert hosts.health(group)[instance]["State"] == "draining"
    assert soon(lambda: instance not in hosts.health(group), 10)
    hosts.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    hosts.await_health("backend", {"healthy": 2})


@from_internet
def test_addresses_are_targets_too_and_a_rule_leads_to_them(hosts: FourHosts) -> None:
    stack = hosts.stack
    address = hosts.instance(stack.ids["backend-2"])["PrivateIpAddress"]
    group = hosts.elb.create_target_group(
        Name="by-address", Protocol="HTTP", Port=5001, VpcId=stack.ids["vpc"], TargetType="ip", HealthCheckPath="/",
        HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2, UnhealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    hosts.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": address}])
    public = hosts.balancer("frontend")["LoadBalancerArn"]
    listener = hosts.elb.describe_listeners(LoadBalancerArn=public)["Listeners"][0]["ListenerArn"]
    rule = hosts.elb.create_rule(
        ListenerArn=listener, Priority=1, Conditions=[{"Field": "path-pattern", "Values": ["/direct"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
    )["Rules"][0]["RuleArn"]  # fmt: skip
    assert soon(lambda: hosts.health(group)[address].get("Reason") == "Target.Timeout"), "no rule lets it in yet"
    hosts.permit("backend", 5001, **hosts.of("public_alb"))
    assert soon(lambda: hosts.health(group)[address]["State"] == "healthy")
    assert hosts.get("/direct")["name"] == "backend-2"
    assert hosts.get("/other")["name"].startswith("frontend-")
    hosts.revoke("backend", 5001, **hosts.of("public_alb"))
    hosts.elb.delete_rule(RuleArn=rule)
    hosts.elb.delete_target_group(TargetGroupArn=group)


@from_internet
def test_an_elastic_address_moves_from_one_host_to_another(hosts: FourHosts) -> None:
    elastic = hosts.ec2.allocate_address(Domain="vpc")
    address, allocation = elastic["PublicIp"], elastic["AllocationId"]
    for name in ("frontend-1", "frontend-2"):
        hosts.ec2.associate_address(InstanceId=hosts.stack.ids[name], AllocationId=allocation, AllowReassociation=True)
        assert soon(partial(is_answered_by, hosts, address, name))
    disassociate(hosts, allocation)
    assert soon(lambda: answers(hosts, address) is None)
    hosts.ec2.release_address(AllocationId=allocation)


def is_answered_by(hosts: FourHosts, address: str, name: str) -> bool:
    return answers(hosts, address) == name


def answers(hosts: FourHosts, address: str, what: str = "name") -> str | None:
    """The app's response at a public address, or None."""
    try:
        return str(hosts.get("/", address=address, port=5000)[what])
    except (OSError, HTTPException):
        return None


@from_internet
def test_a_restart_changes_the_public_address_and_a_reboot_does_not(hosts: FourHosts) -> None:
    stack = hosts.stack
    place = {"DeviceIndex": 0, "SubnetId": stack.ids["public0"], "Groups": [stack.ids["frontend"]],
             "AssociatePublicIpAddress": True}  # fmt: skip
    image = hosts.instance(stack.ids["frontend-1"])["ImageId"]
    spare = hosts.ec2.run_instances(
        ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, NetworkInterfaces=[place],
        UserData=stack.user_data("frontend-spare"),
    )["Instances"][0]["InstanceId"]  # fmt: skip
    hosts.await_instance("running", spare)
    first = hosts.instance(spare)
    assert soon(lambda: answers(hosts, first["PublicIpAddress"]) == "frontend-spare")
    run = answers(hosts, first["PublicIpAddress"], "run")
    hosts.ec2.reboot_instances(InstanceIds=[spare])
    assert soon(lambda: answers(hosts, first["PublicIpAddress"], "run") not in (None, run))
    assert hosts.instance(spare)["PublicIpAddress"] == first["PublicIpAddress"]
    hosts.ec2.stop_instances(InstanceIds=[spare])
    hosts.await_instance("stopped", spare)
    assert "PublicIpAddress" not in hosts.instance(spare)
    hosts.ec2.start_instances(InstanceIds=[spare])
    hosts.await_instance("running", spare)
    second = hosts.instance(spare)
    assert second["PublicIpAddress"] != first["PublicIpAddress"]
    assert second["PrivateIpAddress"] == first["PrivateIpAddress"]
    assert soon(lambda: answers(hosts, second["PublicIpAddress"]) == "frontend-spare")
    assert answers(hosts, first["PublicIpAddress"]) is None
    hosts.ec2.terminate_instances(InstanceIds=[spare])
    hosts.await_instance("terminated", spare)
    assert answers(hosts, second["PublicIpAddress"]) is None
    interface = first["NetworkInterfaces"][0]["NetworkInterfaceId"]
    left = hosts.ec2.describe_network_interfaces(Filters=[{"Name": "network-interface-id", "Values": [interface]}])
    assert left["NetworkInterfaces"] == []


def is_at_rest(hosts: FourHosts) -> bool:
    """Whether the database is available, and no change is still to begin."""
    [database] = hosts.rds.describe_db_instances(DBInstanceIdentifier=hosts.stack.prefix)["DBInstances"]
    return database["DBInstanceStatus"] == "available" and not database["PendingModifiedValues"]


@from_internet
def test_the_databases_password_and_parameters_are_what_the_api_says(hosts: FourHosts) -> None:
    name, host = hosts.stack.prefix, hosts.endpoint()
    hosts.rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword="Another-horse-8", ApplyImmediately=True)
    assert soon(lambda: hosts.query("SELECT 1", "Another-horse-8")["status"] == 200)
    assert hosts.query("SELECT 1")["status"] == 500
    assert soon(lambda: is_at_rest(hosts))
    hosts.rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword=PASSWORD, ApplyImmediately=True)
    assert soon(lambda: hosts.query("SELECT 1")["status"] == 200)
    assert soon(lambda: is_at_rest(hosts))
    with pytest.raises(psycopg2.OperationalError, match="no encryption"):
        hosts.connect(host, sslmode="disable")
    force(hosts, "0")
    assert soon(lambda: opens_without_tls(hosts, host))
    force(hosts, "1")
    assert soon(lambda: not opens_without_tls(hosts, host))


@from_internet
def test_a_static_parameter_waits_for_the_reboot_which_cuts_connections(hosts: FourHosts) -> None:
    name, show = hosts.stack.prefix, "SHOW max_connections"
    connection = hosts.connect(hosts.endpoint())
    before = hosts.query(show)["answer"]["found"]
    set_parameter(hosts, "max_connections", "42", "pending-reboot")
    assert hosts.query(show)["answer"]["found"] == before
    hosts.rds.reboot_db_instance(DBInstanceIdentifier=name)
    hosts.await_database(name)
    assert hosts.query(show)["answer"]["found"] == ["42"]
    with pytest.raises(psycopg2.OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def force(hosts: FourHosts, value: str) -> None:
    set_parameter(hosts, "rds.force_ssl", value, "immediate")


def set_parameter(hosts: FourHosts, name: str, value: str, when: str) -> None:
    parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": when}
    hosts.rds.modify_db_parameter_group(DBParameterGroupName=hosts.stack.prefix, Parameters=[parameter])


def opens_without_tls(hosts: FourHosts, host: str) -> bool:
    try:
        hosts.connect(host, sslmode="disable").close()
    except psycopg2.OperationalError:
        return False
    return True


@from_internet
def test_a_snapshot_and_a_final_one_are_restored_with_what_was_in_them(hosts: FourHosts) -> None:
    rds, ids = hosts.rds, hosts.stack.ids
    place = {"DBSubnetGroupName": hosts.stack.prefix, "VpcSecurityGroupIds": [ids["database"]]}
    hosts.query("CREATE TABLE kept AS SELECT 7 AS n")
    rds.create_db_snapshot(DBInstanceIdentifier=hosts.stack.prefix, DBSnapshotIdentifier="by-hand")
    rds.get_waiter("db_snapshot_available").wait(
        DBSnapshotIdentifier="by-hand", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    hosts.query("DROP TABLE kept")
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="second", DBSnapshotIdentifier="by-hand", **place)
    hosts.await_database("second")
    assert hosts.query("SELECT n FROM kept", database="second")["answer"]["found"] == ["7"]
    hosts.query("UPDATE kept SET n = 8", database="second")
    rds.delete_db_instance(DBInstanceIdentifier="second", FinalDBSnapshotIdentifier="final")
    hosts.await_database("second", "deleted")
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="third", DBSnapshotIdentifier="final", **place)
    hosts.await_database("third")
    assert hosts.query("SELECT n FROM kept", database="third")["answer"]["found"] == ["8"]
    rds.delete_db_instance(DBInstanceIdentifier="third", SkipFinalSnapshot=True)
    hosts.await_database("third", "deleted")
    for snapshot in ("by-hand", "final"):
        rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot)
    assert hosts.query("SELECT 1")["status"] == 200, "the first one goes on"


def test_the_machines_own_port_leads_to_the_public_load_balancer_and_status_shows_all_of_it(hosts: FourHosts) -> None:
    """Requests come from the machine itself, outside the simulated internet."""
    assert hosts.get("/", "127.0.0.1", hosts.settings.http_port)["name"].startswith("frontend-")
    status = hosts.cloud.status()
    names = ("frontend-1", "frontend-2", "backend-1", "backend-2")
    assert {instance["name"]: instance["state"] for instance in status["instances"]} == dict.fromkeys(names, "running")
    assert {balancer["state"] for balancer in status["load_balancers"]} == {"active"}
    targets = [target["health"] for balancer in status["load_balancers"] for target in balancer["targets"]]
    assert targets == ["healthy"] * 4
    assert [database["state"] for database in status["databases"]] == ["available"]
    rules = {group["id"]: group["rules"] for group in status["security_groups"]}
    assert "ingress: tcp 80 from 0.0.0.0/0" in rules[hosts.stack.ids["public_alb"]]
    shown = hosts.cloud.localcloud("status")
    assert all(word in shown for word in (*names, "healthy", "active", "available", hosts.stack.ids["vpc"]))


def test_the_command_line_sees_the_same_by_its_name_alone(hosts: FourHosts) -> None:
    done = hosts.cloud.exec("aws", "rds", "describe-db-instances", "--output", "json")
    assert done.returncode == 0, done.stdout
    [database] = json.loads(done.stdout)["DBInstances"]
    assert database["DBInstanceIdentifier"] == hosts.stack.prefix
    done = hosts.cloud.exec("aws", "elbv2", "describe-load-balancers", "--query", "length(LoadBalancers)")
    assert done.stdout.strip() == "2"
