"""The content of the instance metadata service for a host, by path."""

from __future__ import annotations

import json
from dataclasses import dataclass

from localcloud.contract.topology import Instance, Interface, Subnet, Vpc
from localcloud.settings import ACCOUNT_ID


@dataclass(frozen=True)
class Guest:
    """A host as the metadata service sees it."""

    instance: Instance
    interface: Interface
    vpc: Vpc

    @property
    def subnet(self) -> Subnet:
        return next(subnet for subnet in self.vpc.subnets if subnet.id == self.interface.subnet_id)


def private_name(region: str, address: str) -> str:
    """A host's private DNS name, for example ip-10-0-1-10.ec2.internal."""
    return f"ip-{address.replace('.', '-')}.{private_domain(region)}"


def private_domain(region: str) -> str:
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"


def public_name(region: str, address: str) -> str:
    """A public address's DNS name, for example ec2-198-18-128-10.compute-1.amazonaws.com."""
    domain = "compute-1" if region == "us-east-1" else f"{region}.compute"
    return f"ec2-{address.replace('.', '-')}.{domain}.amazonaws.com"


def paths(guest: Guest) -> dict[str, str]:
    """Texts by path below /latest/. Directories follow from the paths."""
    instance, interface = guest.instance, guest.interface
    name = private_name(instance.region, interface.address)
    data = {
        "ami-id": instance.image_id,
        "ami-launch-index": "0",
        "hostname": name,
        "instance-id": instance.id,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.instance_type,
        "local-hostname": name,
        "local-ipv4": interface.address,
        "mac": interface.mac,
        "placement/availability-zone": instance.zone,
        "placement/region": instance.region,
        "security-groups": "\n".join(_group_names(guest)),
        "services/domain": "amazonaws.com",
        "services/partition": "aws",
    }
    data |= {f"network/interfaces/macs/{interface.mac}/{key}": text for key, text in _network(guest).items()}
    if interface.public_address:
        data["public-ipv4"] = interface.public_address
        data["public-hostname"] = public_name(instance.region, interface.public_address)
    if instance.public_key:
        data["public-keys/0/openssh-key"] = instance.public_key.strip()
    if instance.instance_profile_arn:
        data["iam/info"] = json.dumps(
            {"Code": "Success", "InstanceProfileArn": instance.instance_profile_arn}, indent=2
        )
    if instance.metadata.tags:
        data |= {f"tags/instance/{key}": value for key, value in instance.tags}
    found = {f"meta-data/{path}": text for path, text in data.items()}
    found["dynamic/instance-identity/document"] = json.dumps(_identity(guest), indent=2)
    if instance.user_data:
        found["user-data"] = instance.user_data.decode(errors="surrogateescape")
    return found


def _network(guest: Guest) -> dict[str, str]:
    interface = guest.interface
    data = {
        "device-number": "0",
        "interface-id": interface.id,
        "local-hostname": private_name(guest.instance.region, interface.address),
        "local-ipv4s": interface.address,
        "mac": interface.mac,
        "owner-id": ACCOUNT_ID,
        "security-group-ids": "\n".join(interface.group_ids),
        "security-groups": "\n".join(_group_names(guest)),
        "subnet-id": interface.subnet_id,
        "subnet-ipv4-cidr-block": guest.subnet.cidr,
        "vpc-id": guest.vpc.id,
        "vpc-ipv4-cidr-block": guest.vpc.cidrs[0],
        "vpc-ipv4-cidr-blocks": "\n".join(guest.vpc.cidrs),
    }
    if interface.public_address:
        data["public-ipv4s"] = interface.public_address
        data[f"ipv4-associations/{interface.public_address}"] = interface.address
    return data


def _group_names(guest: Guest) -> list[str]:
    names = {group.id: group.name for group in guest.vpc.groups}
    return [names[group_id] for group_id in guest.interface.group_ids if group_id in names]


def _identity(guest: Guest) -> dict[str, object]:
    return {
        "accountId": ACCOUNT_ID,
        "architecture": "x86_64",
        "availabilityZone": guest.instance.zone,
        "imageId": guest.instance.image_id,
        "instanceId": guest.instance.id,
        "instanceType": guest.instance.instance_type,
        "privateIp": guest.interface.address,
        "region": guest.instance.region,
        "version": "2017-09-30",
    }


def listing(found: dict[str, str], folder: str, key_name: str | None) -> str | None:
    """A directory's entries, one per line, as on AWS; None if there is none. folder: without a trailing /."""
    if folder == "meta-data/public-keys" and f"{folder}/0/openssh-key" in found:
        return f"0={key_name}"
    prefix = f"{folder}/" if folder else ""
    below = [path.removeprefix(prefix) for path in found if path.startswith(prefix)]
    entries = {path.split("/")[0] + "/" * ("/" in path) for path in below}
    return "\n".join(sorted(entries)) or None
