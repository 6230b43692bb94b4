"""Refusals of further kinds, with their accepted twins: launches, volumes, keys, and what a state does not allow."""

from __future__ import annotations

from typing import Any

import pytest

from ..helpers import Clients, World, refused
from .test_refusals import Row, ec2, launch, refuse_and_accept


def root(**ebs: Any) -> dict[str, Any]:
    return {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp3", "VolumeSize": 20, **ebs}}]}


def volume(code: str, refused: dict[str, Any], accepted: dict[str, Any] | None) -> Row:
    """Root volumes of an instance."""
    return launch(lambda w: root(**refused), code, lambda w: root(**(accepted or {})))


def key(code: str, refused: dict[str, Any], accepted: dict[str, Any]) -> Row:
    return ec2("create_key_pair", code, lambda w, n: {"KeyName": n, **refused}, lambda w, n: {"KeyName": n, **accepted})


ROWS = {
    "malformed image": launch(lambda w: {"ImageId": "ami-x"}, "InvalidAMIID.Malformed", lambda w: {}),
    "empty type": launch(lambda w: {"InstanceType": ""}, "InvalidParameterValue", lambda w: {}),
    "group by name in a subnet": launch(
        lambda w: {"SecurityGroups": ["web"]}, "InvalidParameterCombination", lambda w: {"SecurityGroupIds": [w.group]}
    ),
    "zone of another region": launch(
        lambda w: {"SubnetId": None, "Placement": {"AvailabilityZone": "us-west-2a"}},
        "InvalidParameterValue",
        lambda w: {"SubnetId": None, "Placement": {"AvailabilityZone": "us-east-1a"}},
    ),
    "no first interface": launch(
        lambda w: {"NetworkInterfaces": [{"DeviceIndex": 1, "SubnetId": w.a}]},
        "InvalidParameterCombination",
        lambda w: {"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": w.a}]},
    ),
    "interface in use": launch(
        lambda w: {"NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": interface_of(w)}]},
        "InvalidNetworkInterface.InUse",
        lambda w: {"NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": free_interface(w)}]},
    ),
    "interface with other groups": launch(
        lambda w: {
            "NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": free_interface(w), "Groups": [w.group]}]
        },
        "InvalidParameterCombination",
        lambda w: {"NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": free_interface(w)}]},
    ),
    "token of 65 letters": launch(
        lambda w: {"ClientToken": "x" * 65}, "InvalidParameterValue", lambda w: {"ClientToken": "x" * 64}
    ),
    "CPU credits": launch(
        lambda w: {"CreditSpecification": {"CpuCredits": "much"}},
        "InvalidParameterValue",
        lambda w: {"CreditSpecification": {"CpuCredits": "standard"}},
    ),
    "launch template that is not": launch(
        lambda w: {"LaunchTemplate": {"LaunchTemplateId": "lt-0123456789abcdef0"}},
        "InvalidLaunchTemplateId.NotFound",
        lambda w: {},
    ),
    "throughput of 100": volume("InvalidParameterValue", {"Throughput": 100}, {"Throughput": 125}),
    "throughput over its share": volume(
        "InvalidParameterCombination", {"Throughput": 1000}, {"Throughput": 1000, "VolumeSize": 100, "Iops": 4000}
    ),
    "throughput of gp2": volume("InvalidParameterCombination", {"VolumeType": "gp2", "Throughput": 125}, {}),
    "IOPS over their share": volume("InvalidParameterCombination", {"Iops": 10001}, {"Iops": 10000}),
    "IOPS of a small volume": volume("InvalidParameterValue", {"Iops": 2999}, {"Iops": 3000, "VolumeSize": 8}),
    "instance without groups": ec2(
        "modify_instance_attribute",
        "InvalidParameterCombination",
        lambda w, n: {"InstanceId": w.instance, "Groups": []},
        lambda w, n: {"InstanceId": w.instance, "Groups": [w.group]},
    ),
    "shutdown of another kind": ec2(
        "modify_instance_attribute",
        "InvalidParameterValue",
        lambda w, n: {"InstanceId": w.instance, "InstanceInitiatedShutdownBehavior": {"Value": "explode"}},
        lambda w, n: {"InstanceId": w.instance, "InstanceInitiatedShutdownBehavior": {"Value": "stop"}},
    ),
    "volume without a size": ec2(
        "create_volume",
        "MissingParameter",
        lambda w, n: {"AvailabilityZone": "us-east-1a"},
        lambda w, n: {"AvailabilityZone": "us-east-1a", "Size": 1},
    ),
    "volume without a zone": ec2("create_volume", "MissingParameter", lambda w, n: {"Size": 1}, None),
    "snapshot that is not": ec2(
        "create_volume",
        "InvalidSnapshot.NotFound",
        lambda w, n: {"AvailabilityZone": "us-east-1a", "SnapshotId": "snap-0123456789abcdef0"},
        None,
    ),
    "key name of 256 letters": key("InvalidParameterValue", {"KeyName": "k" * 256}, {"KeyName": "k" * 255}),
    "key name with a space before it": key("InvalidParameterValue", {"KeyName": " k"}, {"KeyName": "k k"}),
    "key format": key("InvalidParameterValue", {"KeyFormat": "der"}, {"KeyFormat": "pem"}),
    "key that is none": ec2(
        "import_key_pair",
        "InvalidKey.Format",
        lambda w, n: {"KeyName": n, "PublicKeyMaterial": b"ssh-ed25519 garbage"},
        lambda w, n: {
            "KeyName": n,
            "PublicKeyMaterial": b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPw7mX+lbKtFPHoDcqbKS2QmcHjRVF9QxKqI2W3rXxNp",
        },
    ),
}  # fmt: skip


def interface_of(w: World) -> str:
    found = w.ec2.describe_network_interfaces(Filters=[{"Name": "attachment.instance-id", "Values": [w.instance]}])
    identifier: str = found["NetworkInterfaces"][0]["NetworkInterfaceId"]
    return identifier


def free_interface(w: World) -> str:
    made: str = w.ec2.create_network_interface(SubnetId=w.a)["NetworkInterface"]["NetworkInterfaceId"]
    return made


@pytest.mark.parametrize("row", [pytest.param(row, id=title.replace(" ", "-")) for title, row in ROWS.items()])
def test_refused_and_put_right_accepted(row: Row, world: World, clients: Clients, name: str) -> None:
    refuse_and_accept(row, world, clients, name)


def test_a_launch_is_judged_by_its_template_too(world: World, name: str) -> None:
    data = {"InstanceType": "t3.micro", "ImageId": world.image, "SecurityGroupIds": [world.other_group]}
    made = world.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)["LaunchTemplate"]
    params = {"LaunchTemplate": {"LaunchTemplateId": made["LaunchTemplateId"]}, "MinCount": 1, "MaxCount": 1}
    assert refused(world.ec2.run_instances, **params, SubnetId=world.a) == "InvalidParameter"
    spot = {"InstanceMarketOptions": {"MarketType": "spot"}}
    assert refused(world.ec2.run_instances, **params, SubnetId=world.other_a, **spot) == "NotRealised"
    instance = world.ec2.run_instances(**params, SubnetId=world.other_a)["Instances"][0]["InstanceId"]
    world.ec2.terminate_instances(InstanceIds=[instance])
    missing = {"LaunchTemplate": {"LaunchTemplateName": name, "Version": "7"}, "MinCount": 1, "MaxCount": 1}
    assert refused(world.ec2.run_instances, **missing) == "InvalidLaunchTemplateId.VersionNotFound"


def test_what_the_state_of_an_instance_allows(world: World) -> None:
    ec2, instance = world.ec2, world.run()
    ids = {"InstanceIds": [instance]}
    assert refused(ec2.stop_instances, **ids) == "IncorrectInstanceState"  # still pending
    ec2.get_waiter("instance_running").wait(**ids)
    ec2.start_instances(**ids)
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": True})
    assert refused(ec2.terminate_instances, **ids) == "OperationNotPermitted"
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
    ec2.stop_instances(**ids)
    assert refused(ec2.start_instances, **ids) == "IncorrectInstanceState"
    ec2.get_waiter("instance_stopped").wait(**ids)
    assert refused(ec2.reboot_instances, **ids) == "IncorrectInstanceState"
    other = {"InstanceId": instance, "InstanceType": {"Value": "t4g.micro"}}
    assert refused(ec2.modify_instance_attribute, **other) == "InvalidParameterCombination"
    ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.small"})
    ec2.terminate_instances(**ids)
    ec2.get_waiter("instance_terminated").wait(**ids)
    ec2.terminate_instances(**ids)
    gone = {"InstanceId": instance, "DisableApiTermination": {"Value": True}}
    assert refused(ec2.modify_instance_attribute, **gone) == "IncorrectInstanceState"
    tokens = {"InstanceId": instance, "HttpTokens": "required"}
    assert refused(ec2.modify_instance_metadata_options, **tokens) == "IncorrectInstanceState"


def test_a_volume_is_where_it_is(world: World) -> None:
    ec2 = world.ec2
    first, second = (ec2.create_volume(AvailabilityZone="us-east-1a", Size=5)["VolumeId"] for _ in range(2))
    place = {"InstanceId": world.instance, "Device": "/dev/sdf"}
    ec2.attach_volume(VolumeId=first, **place)
    assert refused(ec2.attach_volume, VolumeId=first, InstanceId=world.instance, Device="/dev/sdg") == "VolumeInUse"
    assert refused(ec2.attach_volume, VolumeId=second, **place) == "InvalidParameterValue"
    assert refused(ec2.detach_volume, VolumeId=second) == "IncorrectState"
    mapped = ec2.describe_instances(InstanceIds=[world.instance])["Reservations"][0]["Instances"][0][
        "BlockDeviceMappings"
    ]
    own = next(one["Ebs"]["VolumeId"] for one in mapped if one["DeviceName"] == "/dev/xvda")
    assert refused(ec2.detach_volume, VolumeId=own) == "OperationNotPermitted"
    ec2.detach_volume(VolumeId=first)
    assert refused(ec2.modify_volume, VolumeId=first, Size=4) == "InvalidParameterValue"
    ec2.modify_volume(VolumeId=first, Size=6)
