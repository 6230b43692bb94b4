"""Volumes: sizes, speeds and zones."""

from __future__ import annotations

from typing import Any

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.moto.states.instances import state_of
from localcloud.api.request import Call

from .rules import guards, refuse_if, want_range

VOLUME_GIB = {
    "gp2": (1, 16384),
    "gp3": (1, 65536),
    "io1": (4, 16384),
    "io2": (4, 65536),
    "st1": (125, 16384),
    "sc1": (125, 16384),
}
VOLUME_IOPS = {"gp3": (3000, 80000), "io1": (100, 64000), "io2": (100, 256000)}
IOPS_OF_A_GIB = {"gp3": 500, "io1": 50, "io2": 1000}
BASE_IOPS = 3000  # of gp3, whatever its size
THROUGHPUT = (125, 2000)  # of gp3, MiB a second
THROUGHPUT_OF_AN_IOPS = 0.25


@guards("ec2:RunInstances")
def volumes_hold_what_they_are_made_from(call: Call) -> None:
    images = {image.id: image for image in moto_state.ec2(call.region).amis.values()}
    image = images.get(call.parameters.get("ImageId", ""))
    names = [one.get("DeviceName") for one in call.parameters.get("BlockDeviceMappings") or ()]
    refuse_if(
        len(set(names)) < len(names),
        "InvalidBlockDeviceMapping",
        "The device is used in more than one block-device mapping",
    )
    for mapping in call.parameters.get("BlockDeviceMappings") or ():
        volume = mapping.get("Ebs") or {}
        _volume(volume)
        if image is not None and mapping.get("DeviceName") == image.root_device_name and volume.get("VolumeSize"):
            least = int(image.ebs_snapshot.volume.size)
            refuse_if(
                int(volume["VolumeSize"]) < least,
                "InvalidBlockDeviceMapping",
                f"Volume of size {volume['VolumeSize']}GB is smaller than snapshot '{image.ebs_snapshot.id}', "
                f"expect size >= {least}GB",
            )


@guards("ec2:CreateVolume", "ec2:ModifyVolume")
def a_volume_has_a_size_of_its_type(call: Call) -> None:
    params = call.parameters
    there = moto_state.ec2(call.region).volumes[params["VolumeId"]] if call.action == "ModifyVolume" else None
    refuse_if(
        there is not None and params.get("Size") is not None and int(params["Size"]) < int(there.size),
        "InvalidParameterValue",
        "New size cannot be smaller than existing size",
    )
    refuse_if(
        there is None and not params.get("Size") and params.get("Size") != 0 and not params.get("SnapshotId"),
        "MissingParameter",
        "The request must contain the parameter size/snapshot",
    )
    refuse_if(
        there is None and not params.get("AvailabilityZone") and not params.get("AvailabilityZoneId"),
        "MissingParameter",
        "The request must contain the parameter AvailabilityZone",
    )
    kind = params.get("VolumeType") or (there.volume_type if there else None)
    _volume(
        {
            **params,
            "VolumeType": kind,
            "VolumeSize": params.get("Size") or (there.size if there else params.get("Size")),
        }
    )
    zones = {zone.name for zone in moto_state.ec2(call.region).describe_availability_zones()}
    zone = params.get("AvailabilityZone")
    refuse_if(zone and zone not in zones, "InvalidZone.NotFound", f"The zone '{zone}' does not exist.")


def _volume(volume: dict[str, Any]) -> None:
    kind = volume.get("VolumeType") or "gp2"
    size, iops = volume.get("VolumeSize"), volume.get("Iops")
    if kind in VOLUME_GIB:
        want_range(size, *VOLUME_GIB[kind], "InvalidParameterValue", f"Volume of {size}GiB is invalid for type {kind}.")
    if iops is not None:
        refuse_if(
            kind not in VOLUME_IOPS,
            "InvalidParameterCombination",
            f"The parameter iops is not supported for {kind} volumes.",
        )
        want_range(
            iops, *VOLUME_IOPS[kind], "InvalidParameterValue", f"Iops of {iops} is invalid for volumes of type {kind}."
        )
        refuse_if(
            size and int(iops) > max(IOPS_OF_A_GIB[kind] * int(size), BASE_IOPS if kind == "gp3" else 0),
            "InvalidParameterCombination",
            f"Iops to volume size ratio is too high; maximum is {IOPS_OF_A_GIB[kind]}.",
        )
    elif kind in ("io1", "io2") and size is not None:
        raise AwsError("MissingParameter", f"The parameter iops must be specified for {kind} volumes.")
    _throughput(kind, volume.get("Throughput"), int(iops or BASE_IOPS))
    refuse_if(
        volume.get("KmsKeyId") and volume.get("Encrypted") is False,
        "InvalidParameterDependency",
        "The parameter KmsKeyId requires the parameter Encrypted to be set.",
    )


def _throughput(kind: str, throughput: Any, iops: int) -> None:
    if throughput is None:
        return
    refuse_if(
        kind != "gp3", "InvalidParameterCombination", f"The parameter throughput is not supported for {kind} volumes."
    )
    want_range(
        throughput,
        *THROUGHPUT,
        "InvalidParameterValue",
        f"Throughput of {throughput}MiBps is invalid for volumes of gp3.",
    )
    refuse_if(
        int(throughput) > iops * THROUGHPUT_OF_AN_IOPS,
        "InvalidParameterCombination",
        f"Throughput (MiBps) to iops ratio is too high; maximum is {THROUGHPUT_OF_AN_IOPS} MiBps per iops.",
    )


@guards("ec2:AttachVolume")
def a_volume_is_attached_once(call: Call) -> None:
    volume = moto_state.ec2(call.region).volumes[call.parameters["VolumeId"]]
    refuse_if(volume.attachment, "VolumeInUse", f"{volume.id} is already attached to an instance")
    instance = moto_state.ec2(call.region).get_instance_by_id(call.parameters["InstanceId"])
    device = call.parameters.get("Device")
    refuse_if(
        device in instance.block_device_mapping,
        "InvalidParameterValue",
        f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use",
    )


@guards("ec2:DetachVolume")
def an_attached_volume_is_detached(call: Call) -> None:
    volume = moto_state.ec2(call.region).volumes[call.parameters["VolumeId"]]
    refuse_if(not volume.attachment, "IncorrectState", f"Volume '{volume.id}' is in the 'available' state.")
    instance = volume.attachment.instance
    wanted = {"InstanceId": instance.id, "Device": volume.attachment.device}
    for name, value in wanted.items():
        given = call.parameters.get(name)
        refuse_if(
            given not in (None, value),
            "InvalidAttachment.NotFound",
            f"Volume '{volume.id}' is not attached to '{given}'.",
        )
    refuse_if(
        volume.attachment.device == instance.root_device_name and state_of(instance) != "stopped",
        "OperationNotPermitted",
        f"Unable to detach root volume '{volume.id}' from instance '{instance.id}'",
    )


@guards("ec2:AttachVolume")
def a_volume_is_attached_within_its_zone(call: Call) -> None:
    volume = moto_state.ec2(call.region).volumes[call.parameters["VolumeId"]]
    instance = moto_state.ec2(call.region).get_instance_by_id(call.parameters["InstanceId"])
    zone = getattr(volume.zone, "name", volume.zone)
    refuse_if(
        zone != instance.availability_zone,
        "InvalidVolume.ZoneMismatch",
        f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.id}'",
    )
