"""Volumes: sizes, speeds and zones."""

from __future__ import annotations

from typing import Any

from .. import moto_state
from ..errors import AwsError
from ..request import Call
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
    wish = call.parameters
    _volume({**wish, "VolumeSize": wish.get("Size")})
    zones = {zone.name for zone in moto_state.ec2(call.region).describe_availability_zones()}
    zone = wish.get("AvailabilityZone")
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
    elif kind in ("io1", "io2") and size is not None:
        raise AwsError("MissingParameter", f"The parameter iops must be specified for {kind} volumes.")
    refuse_if(
        volume.get("KmsKeyId") and volume.get("Encrypted") is False,
        "InvalidParameterDependency",
        "The parameter KmsKeyId requires the parameter Encrypted to be set.",
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
