"""The project's own modules against a running API: made once, mended when changed by hand, silent in check mode."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import serialization

from localcloud.testing import Endpoint
from tests.support.plugins import load

groups_module = load("plugins/modules/security_groups.py")
secrets_module = load("plugins/modules/secret_parameters.py")
access_module = load("plugins/modules/ssh_access.py")
survey_module = load("plugins/modules/survey.py")
from ansible.module_utils import survey_network  # noqa: E402
from ansible.module_utils.look import SERVING_DATABASES, DoubledError, Look  # noqa: E402

MATRIX = [
    {"from": "internet", "to": "front_end", "port": 80, "protocol": "tcp", "why": "Visitors"},
    {"from": "front_end", "to": "database", "port": 5432, "protocol": "tcp", "why": ""},
]


@pytest.fixture
def wish(cloud: Endpoint) -> dict[str, Any]:
    vpc_id = cloud.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return {
        "vpc_id": vpc_id,
        "prefix": "t-x",
        "tiers": {"front_end": "Front", "database": "Data"},
        "outsides": {"internet": "0.0.0.0/0"},
        "matrix": MATRIX,
        "tags": {"Project": "t"},
    }


@pytest.fixture(autouse=True)
def without_vpcs(cloud: Endpoint) -> Any:
    """The quota is five VPCs: each test leaves none of its own."""
    yield
    ec2 = cloud.client("ec2")
    for vpc in ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]:
        inside = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        groups = [
            g for g in ec2.describe_security_groups(Filters=inside)["SecurityGroups"] if g["GroupName"] != "default"
        ]
        for group in groups:
            if group["IpPermissions"]:
                ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
            if group["IpPermissionsEgress"]:
                ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
        for group in groups:
            ec2.delete_security_group(GroupId=group["GroupId"])
        ec2.delete_vpc(VpcId=vpc["VpcId"])


def rules(ec2: Any, group_id: str) -> set[Any]:
    [group] = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    return groups_module.present_rules(group)


def test_groups_have_exactly_the_rules_of_the_matrix(cloud: Endpoint, wish: dict[str, Any]) -> None:
    ec2 = cloud.client("ec2")
    result = groups_module.ensure(ec2, wish, check_mode=False)
    front, data = result["ids"]["front_end"], result["ids"]["database"]
    assert result["changed"]
    assert rules(ec2, front) == {
        groups_module.Rule("ingress", "tcp", 80, 80, "0.0.0.0/0"),
        groups_module.Rule("egress", "tcp", 5432, 5432, data),
    }
    assert rules(ec2, data) == {groups_module.Rule("ingress", "tcp", 5432, 5432, front)}
    again = groups_module.ensure(ec2, wish, check_mode=False)
    assert not again["changed"]


def test_a_rule_added_by_hand_is_revoked(cloud: Endpoint, wish: dict[str, Any]) -> None:
    ec2 = cloud.client("ec2")
    group_id = groups_module.ensure(ec2, wish, check_mode=False)["ids"]["database"]
    open_to_all = groups_module.Rule("ingress", "tcp", 5432, 5432, "0.0.0.0/0")
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[open_to_all.permission()])
    assert open_to_all in rules(ec2, group_id)
    assert groups_module.ensure(ec2, wish, check_mode=True)["changed"]
    assert open_to_all in rules(ec2, group_id)
    assert groups_module.ensure(ec2, wish, check_mode=False)["changed"]
    assert open_to_all not in rules(ec2, group_id)


def test_check_mode_makes_no_group(cloud: Endpoint, wish: dict[str, Any]) -> None:
    before = len(cloud.journal(mutating=True))
    assert groups_module.ensure(cloud.client("ec2"), wish, check_mode=True)["changed"]
    assert len(cloud.journal(mutating=True)) == before


def test_a_secret_is_made_once(cloud: Endpoint) -> None:
    ssm = cloud.client("ssm")
    assert secrets_module.ensure(ssm, "/t/once", "password", {}, check_mode=True) == (None, True)
    value, made = secrets_module.ensure(ssm, "/t/once", "password", {"Project": "t"}, check_mode=False)
    assert made
    assert len(value) == secrets_module.PASSWORD_LENGTH
    assert secrets_module.ensure(ssm, "/t/once", "password", {}, check_mode=False) == (value, False)
    [parameter] = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": ["/t/once"]}])["Parameters"]
    assert parameter["Type"] == "SecureString"


def test_of_two_makers_one_wins(cloud: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second sees no parameter, makes one, and finds that the first was quicker."""
    ssm = cloud.client("ssm")
    first, _ = secrets_module.ensure(ssm, "/t/race", "password", {}, check_mode=False)
    stored, looks = secrets_module.stored, []

    def late(client: Any, name: str) -> str | None:
        looks.append(name)
        return None if len(looks) == 1 else stored(client, name)

    monkeypatch.setattr(secrets_module, "stored", late)
    assert secrets_module.ensure(ssm, "/t/race", "password", {}, check_mode=False) == (first, False)


def test_an_ssh_key_has_two_halves() -> None:
    private = secrets_module.new_ssh_key()
    public = serialization.load_ssh_public_key(secrets_module.public_half(private).encode())
    loaded = serialization.load_ssh_private_key(private.encode(), None)
    signature = loaded.sign(b"text")
    public.verify(signature, b"text")


def test_a_lost_ssh_key_is_put_back_from_the_copy_that_fits_and_from_no_other(tmp_path: Path) -> None:
    own, other = secrets_module.new_ssh_key(), secrets_module.new_ssh_key()
    copy = tmp_path / "id_ed25519"
    with pytest.raises(secrets_module.NoCopyError, match="cannot be read"):
        secrets_module.copied(str(copy), secrets_module.public_half(own))
    for text, problem in ((other, "another key"), ("", "no private key"), ("\0\xff", "no private key")):
        copy.write_text(text)
        with pytest.raises(secrets_module.NoCopyError, match=problem):
            secrets_module.copied(str(copy), secrets_module.public_half(own))
    copy.write_text(own)
    for known in (secrets_module.public_half(own), secrets_module.public_half(own) + " tandem-ssh", ""):
        assert secrets_module.copied(str(copy), known) == own


ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
ECDSA = (
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA"
    "+eFivOM1drMV7Oy7ZAaDe/UfU="
)
CONSOLE = f"""[    2.1] cloud-init: boot
-----BEGIN SSH HOST KEY FINGERPRINTS-----\r
256 SHA256:abc root@host (ED25519)\r
-----END SSH HOST KEY FINGERPRINTS-----\r
-----BEGIN SSH HOST KEY KEYS-----\r
ecdsa-sha2-nistp256 {ECDSA} root@host\r
ssh-ed25519 {ED25519} root@host\r
-----END SSH HOST KEY KEYS-----\r
"""


def test_host_keys_are_read_from_the_console() -> None:
    assert access_module.keys_on_console(CONSOLE) == [f"ssh-ed25519 {ED25519}"]
    assert access_module.keys_on_console(CONSOLE.replace("ssh-ed25519", "ssh-rsa")) == [f"ecdsa-sha2-nistp256 {ECDSA}"]
    assert access_module.keys_on_console(CONSOLE.partition("-----END SSH HOST KEY KEYS")[0]) == []
    assert access_module.keys_on_console("") == []


class Console:
    """GetConsoleOutput of instances whose output appears at the second look."""

    def __init__(self, *silent: str) -> None:
        self.silent, self.looks = set(silent), dict[str, int]()

    def get_console_output(self, InstanceId: str, Latest: bool = False) -> dict[str, str]:  # noqa: N803
        self.looks[InstanceId] = self.looks.get(InstanceId, 0) + 1
        return {} if InstanceId in self.silent or self.looks[InstanceId] < 2 else {"Output": CONSOLE}


OTHER = ED25519[:-1] + "B"
INSTANCES = {
    "backend-1": {"id": "i-0b0b0b0b", "private_address": "10.0.0.9", "public_address": ""},
    "frontend-1": {"id": "i-0f0f0f0f", "private_address": "10.0.0.4", "public_address": "203.0.113.5"},
}

BACKEND = {"backend-1": INSTANCES["backend-1"]}


def test_known_hosts_follow_the_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_module.time, "sleep", lambda _seconds: None)
    kept = f"{INSTANCES['frontend-1']['id']} ssh-ed25519 {OTHER}\n"
    before, _ = access_module.by_instance(f"i-00000000 ssh-ed25519 {ED25519}\n{kept}")
    after = access_module.known_hosts(Console(), before, INSTANCES, timeout=60)
    assert "i-00000000" not in after
    assert kept in after
    assert f"{INSTANCES['backend-1']['id']} ssh-ed25519 {ED25519}\n" in after


def test_a_silent_console_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_module.time, "sleep", lambda _seconds: None)
    with pytest.raises(access_module.NoKeysError, match=r"^backend-1$"):
        access_module.known_hosts(Console(INSTANCES["backend-1"]["id"]), {}, BACKEND, timeout=-1)


def test_the_keys_that_were_kept_are_read_where_no_console_shows_them(cloud: Endpoint) -> None:
    ssm, names, private = cloud.client("ssm"), ("/t/keys/key", "/t/keys/known-hosts"), secrets_module.new_ssh_key()
    with pytest.raises(access_module.NoSecretError, match=r"^/t/keys/key is not in SSM"):
        access_module.parameters(ssm, *names)
    ssm.put_parameter(Name=names[0], Value="Host *\n", Type="SecureString")
    with pytest.raises(access_module.NoSecretError, match=r"^/t/keys/key holds no private SSH key"):
        access_module.parameters(ssm, *names)
    ssm.put_parameter(Name=names[0], Value=private, Type="SecureString", Overwrite=True)
    assert access_module.parameters(ssm, *names) == (private, "")
    line = f"{INSTANCES['backend-1']['id']} ssh-ed25519 {OTHER}\n"
    ssm.put_parameter(Name=names[1], Value=line, Type="String")
    before, _ = access_module.by_instance(access_module.parameters(ssm, *names)[1])
    assert access_module.known_hosts(Console(INSTANCES["backend-1"]["id"]), before, BACKEND, timeout=-1) == line


def test_backends_are_reached_through_a_frontend() -> None:
    text = access_module.ssh_config("/s", "admin", "console", INSTANCES)
    backend, frontend = (next(s for s in text.split("\n\n") if s.startswith(f"Host {n}")) for n in INSTANCES)
    assert "ProxyCommand sh -c 'ssh -F /s/config -W %h:%p frontend-1'" in backend
    assert "HostName 10.0.0.9" in backend
    assert "ProxyCommand none" in frontend
    assert "StrictHostKeyChecking yes" in text
    assert "StrictHostKeyChecking accept-new" in access_module.ssh_config("/s", "admin", "accept-new", INSTANCES)


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "id_ed25519"
    assert access_module.write(file, "secret")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not access_module.write(file, "secret")
    file.chmod(0o644)
    assert access_module.write(file, "secret")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def look(cloud: Endpoint, env_name: str = "xx") -> Any:
    return survey_module.survey(Look(cloud.client, "tt", env_name), "t3.micro")


def tag(name: str, kind: str, env_name: str = "xx") -> list[dict[str, Any]]:
    tags = {"Project": "tt", "Environment": env_name, "Name": f"tt-{env_name}-{name}"}
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def test_nothing_is_found_where_nothing_is(cloud: Endpoint) -> None:
    found = look(cloud)
    assert found["vpc"] == found["database"] == found["instances"] == found["subnets"] == {}
    assert found["image"]["name"].startswith("debian-13-amd64-")
    assert len(found["zones"]) >= 2


def test_only_the_environments_own_is_found(cloud: Endpoint) -> None:
    ec2 = cloud.client("ec2")
    own = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tag("vpc", "vpc"))["Vpc"]["VpcId"]
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tag("vpc", "vpc", "yy"))["Vpc"]["VpcId"]
    for vpc_id, env_name in ((own, "xx"), (other, "yy")):
        specification = tag("public-1", "subnet", env_name)
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.1.0.0/24", TagSpecifications=specification)
    found = look(cloud)
    assert found["vpc"] == {"id": own, "cidr": "10.1.0.0/16", "dns_support": True, "dns_hostnames": False}
    assert list(found["subnets"]) == ["public-1"]
    ids = [item["SubnetId"] for item in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [own]}])["Subnets"]]
    assert found["subnets"]["public-1"]["id"] in ids
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [own, other]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])


@pytest.mark.parametrize("name", ["", "*", "x/y", "Xx"])
def test_only_whole_names_are_looked_for(cloud: Endpoint, name: str) -> None:
    before = len(cloud.journal())
    for project, env_name in ((name, "xx"), ("tt", name)):
        with pytest.raises(ValueError, match=r"(project|env_name) = "):
            Look(cloud.client, project, env_name)
    assert cloud.journal()[before:] == []


def test_load_balancing_of_an_environment_with_a_longer_name_is_not_found(cloud: Endpoint) -> None:
    elb = cloud.client("elbv2")

    def group(name: str, project: str, env_name: str) -> None:
        tags = [{"Key": "Project", "Value": project}, {"Key": "Environment", "Value": env_name}]
        elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc, Tags=tags)

    vpc = cloud.client("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    group("tt-try1-frontend", "tt", "try1")
    group("tt-try1-xx-frontend", "tt", "try1-xx")
    assert list(look(cloud, "try1")["target_groups"]) == ["frontend"]
    with pytest.raises(ValueError, match="another environment with the same names"):
        survey_module.survey(Look(cloud.client, "tt-try1", "xx"), "t3.micro")


def test_of_two_vpcs_the_one_that_is_used_counts_and_two_that_are_used_are_refused(cloud: Endpoint) -> None:
    ec2 = cloud.client("ec2")
    made = [
        ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tag("vpc", "vpc"))["Vpc"]["VpcId"] for _ in range(2)
    ]
    ec2.create_subnet(VpcId=made[1], CidrBlock="10.1.0.0/24", TagSpecifications=tag("public-1", "subnet"))
    found = look(cloud)
    assert found["vpc"]["id"] == made[1]
    assert made[0] in [double["id"] for double in found["doubles"]]
    ec2.create_subnet(VpcId=made[0], CidrBlock="10.1.0.0/24", TagSpecifications=tag("public-1", "subnet"))
    with pytest.raises(DoubledError, match=f"{min(made)} and {max(made)}"):
        look(cloud)
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": made}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])


def test_two_vpcs_with_names_of_their_own_are_refused(cloud: Endpoint) -> None:
    for name in ("vpc", "other"):
        cloud.client("ec2").create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tag(name, "vpc"))
    with pytest.raises(DoubledError, match="two VPCs have the tags"):
        look(cloud)


def test_routes_beyond_ipv4_are_told_apart() -> None:
    """No role wants them, so that what a role compares stays as it is."""
    routes = [
        {"DestinationCidrBlock": "10.1.0.0/16", "GatewayId": "local"},
        {"DestinationCidrBlock": "0.0.0.0/0", "InstanceId": "i-1", "NetworkInterfaceId": "eni-1", "State": "active"},
        {"DestinationCidrBlock": "10.2.0.0/16", "NatGatewayId": "nat-1", "State": "blackhole"},
        {"DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1"},
        {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"},
    ]
    environment = Look(lambda _service: None, "tt", "xx", {"igw-1": "internet"})
    told = survey_network._route_table(environment, {"RouteTableId": "rtb-1", "Associations": [], "Routes": routes})
    assert told["routes"] == {"0.0.0.0/0": "eni-1", "10.2.0.0/16": "blackhole"}
    assert told["other_routes"] == {"::/0": "internet", "pl-1": "vpce-1"}


def test_waiting_ends_and_says_what_it_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_module.time, "sleep", lambda _seconds: None)
    found = {"database": {"state": "creating"}, "instances": {"frontend-1": {"state": "running"}}}
    with pytest.raises(survey_module.NotReadyError, match=r"^database is creating after -1 s$"):
        survey_module.wait(lambda: found, ["database", "instances"], -1)
    found["database"]["state"] = "failed"
    with pytest.raises(survey_module.NotReadyError, match="database is failed: it will not become ready by itself"):
        survey_module.wait(lambda: found, ["database"], 100)
    found["database"]["state"] = "stopped"
    with pytest.raises(survey_module.NotReadyError, match="database is stopped: it will not become ready by itself"):
        survey_module.wait(lambda: found, ["database"], 100)
    found["database"]["state"] = "available"
    assert survey_module.wait(lambda: found, ["database", "instances"], -1) is found


@pytest.mark.parametrize("state", sorted(SERVING_DATABASES))
def test_a_database_is_ready_once_it_serves(state: str) -> None:
    found = {"database": {"state": state}}
    assert survey_module.wait(lambda: found, ["database"], -1) is found


def test_boto3_is_the_one_that_is_pinned() -> None:
    requirements = (Path(__file__).parents[2] / "requirements.txt").read_text()
    assert f"boto3=={boto3.__version__} " in requirements
