"""Role hosts, as plain boto3 sees it."""

from localcloud.testing import Endpoint


def hosts(endpoint: Endpoint) -> dict[str, dict]:
    """Instance by the value of its tag Name."""
    reservations = endpoint.client("ec2").describe_instances()["Reservations"]
    found = [instance for reservation in reservations for instance in reservation["Instances"]]
    return {{tag["Key"]: tag["Value"] for tag in instance["Tags"]}["Name"]: instance for instance in found}


def test_two_hosts_a_tier_in_two_zones(endpoint: Endpoint) -> None:
    found = hosts(endpoint)
    assert set(found) == {"frontend-1", "frontend-2", "backend-1", "backend-2"}
    for tier in ("frontend", "backend"):
        assert len({found[f"{tier}-{number}"]["Placement"]["AvailabilityZone"] for number in (1, 2)}) == 2


def test_only_frontends_have_a_public_address(endpoint: Endpoint) -> None:
    public = {name for name, host in hosts(endpoint).items() if host.get("PublicIpAddress")}
    assert public == {"frontend-1", "frontend-2"}


def test_metadata_needs_a_token_and_stays_on_the_host(endpoint: Endpoint) -> None:
    for name, host in hosts(endpoint).items():
        options = host["MetadataOptions"]
        assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 1), name


def test_disks_are_encrypted_and_there_is_one_a_host(endpoint: Endpoint) -> None:
    volumes = endpoint.client("ec2").describe_volumes()["Volumes"]
    assert [volume["Encrypted"] for volume in volumes] == [True] * 4


def test_hosts_have_no_rights(endpoint: Endpoint) -> None:
    iam = endpoint.client("iam")
    (profile,) = iam.list_instance_profiles()["InstanceProfiles"]
    assert {host["IamInstanceProfile"]["Arn"] for host in hosts(endpoint).values()} == {profile["Arn"]}
    assert {"Project", "Environment"} <= {tag["Key"] for tag in profile["Tags"]}
    (role,) = profile["Roles"]
    assert iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"] == []
    assert iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"] == []


def test_the_image_is_debians_own(endpoint: Endpoint) -> None:
    images = {host["ImageId"] for host in hosts(endpoint).values()}
    (image,) = endpoint.client("ec2").describe_images(ImageIds=list(images))["Images"]
    assert image["OwnerId"] == "136693071363"
    assert image["Name"].startswith("debian-13-amd64-")
