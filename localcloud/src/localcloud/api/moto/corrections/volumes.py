"""Corrections to the volumes of images and instances."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.amis import Ami
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.responses.instances import InstanceResponse

from ..patching import replace

ROOT_GIB = 8


def root_volume_of_an_image() -> None:
    """Debian's images have a root volume of 8 GiB that is deleted on termination. For launches that set its size."""
    original = Ami.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.ebs_snapshot.volume.size = ROOT_GIB

    def mappings(self: Any) -> list[dict[str, Any]]:
        volume = {
            "SnapshotId": self.ebs_snapshot.id,
            "VolumeSize": self.ebs_snapshot.volume.size,
            "DeleteOnTermination": True,
            "VolumeType": "gp3",
            "Encrypted": False,
        }
        return [{"DeviceName": self.root_device_name, "Ebs": volume}]

    replace(Ami, __init__=init, block_device_mappings=property(mappings))


def root_volume_of_an_instance() -> None:
    """An instance has its image's root device, also beside other volumes. For ec2_instance with volumes (moto calls the
    root device /dev/sda1, and omits it if the launch has other volumes)."""
    original = InstanceBackend.run_instances

    def run(
        self: Any, image_id: str, count: int, user_data: Any, security_group_names: list[str], **kwargs: Any
    ) -> Any:
        image = self.amis.get(image_id)
        if image is not None:
            kwargs["block_device_mappings"] = _with_root(image, kwargs.get("block_device_mappings") or [])
        return original(self, image_id, count, user_data, security_group_names, **kwargs)

    replace(InstanceBackend, run_instances=run)


def _with_root(image: Any, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The requested volumes, including the root volume."""
    root = image.block_device_mappings[0]
    for mapping in wanted:
        volume = mapping.get("Ebs") or {}
        defaults = root["Ebs"] if mapping["DeviceName"] == root["DeviceName"] else {"DeleteOnTermination": True}
        mapping["Ebs"] = {**defaults, **{name: value for name, value in volume.items() if value is not None}}
    return wanted if any(mapping["DeviceName"] == root["DeviceName"] for mapping in wanted) else [root, *wanted]


def defaults_of_a_volume() -> None:
    """By default, a volume is deleted on termination, and the root volume has the image's size. For ec2_instance with
    volumes (moto requires a size and keeps the volumes)."""
    original = InstanceResponse._parse_block_device_mapping

    def parse(self: Any) -> Any:
        image = self.ec2_backend.amis.get(self._get_param("ImageId"))
        for mapping in self._get_param("BlockDeviceMappings", []):
            volume = mapping.get("Ebs")
            if volume is None:
                continue
            volume.setdefault("DeleteOnTermination", True)
            if image is not None and mapping.get("DeviceName") == image.root_device_name:
                volume.setdefault("SnapshotId", image.ebs_snapshot.id)
        return original(self)

    replace(InstanceResponse, _parse_block_device_mapping=parse)


def detach_by_volume_id() -> None:
    """DetachVolume needs neither instance nor device. For ec2_vol (otherwise TypeError)."""
    original = EBSBackend.detach_volume

    def detach(self: Any, volume_id: str, instance_id: str | None, device_path: str | None) -> Any:
        attachment = self.get_volume(volume_id).attachment
        return original(self, volume_id, instance_id or attachment.instance.id, device_path or attachment.device)

    replace(EBSBackend, detach_volume=detach)


ALL = (detach_by_volume_id, defaults_of_a_volume, root_volume_of_an_image, root_volume_of_an_instance)
