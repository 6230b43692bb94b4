"""Instances: user data, addresses, types, states."""

from __future__ import annotations

import base64
import binascii
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.moto.corrections.addresses import RESERVED_AT_START, addresses_in
from localcloud.api.moto.states import instances as states
from localcloud.api.request import Call

from .quotas import GROUPS_OF_AN_INTERFACE
from .rules import guards, refuse_if, want_match, want_range

USER_DATA_BYTES = 16384
CLIENT_TOKEN = r"[!-~]{1,64}"  # noqa: S105 - a pattern


@guards("ec2:RunInstances")
def counts_make_sense(call: Call) -> None:
    least, most = int(call.parameters.get("MinCount", 1)), int(call.parameters.get("MaxCount", 1))
    refuse_if(least < 1 or most < 1, "InvalidParameterValue", "The minimum and maximum counts must be greater than 0.")
    refuse_if(
        least > most, "InvalidParameterValue", f"Minimum instance count {least} is greater than the maximum {most}."
    )


@guards("ec2:RunInstances")
def an_image_is_named(call: Call) -> None:
    refuse_if(
        not call.parameters.get("ImageId") and not call.parameters.get("LaunchTemplate"),
        "MissingParameter",
        "The request must contain the parameter ImageId",
    )


@guards("ec2:RunInstances")
def user_data_is_base64_of_16_kib(call: Call) -> None:
    encoded = call.parameters.get("UserData")
    if encoded is None:
        return
    try:
        size = len(base64.b64decode(encoded, validate=False))
    except (binascii.Error, ValueError) as error:
        raise AwsError("InvalidParameterValue", "Invalid BASE64 encoding of user data") from error
    refuse_if(size > USER_DATA_BYTES, "InvalidParameterValue", f"User data is limited to {USER_DATA_BYTES} bytes")


@guards("ec2:RunInstances", "ec2:ModifyInstanceMetadataOptions")
def hop_limit_is_1_to_64(call: Call) -> None:
    options = call.parameters.get("MetadataOptions", call.parameters)
    want_range(
        options.get("HttpPutResponseHopLimit"), 1, 64, "InvalidParameterValue",
        f"Value ({options.get('HttpPutResponseHopLimit')}) for parameter httpPutResponseHopLimit is invalid. Expected 1 to 64.",
    )  # fmt: skip


@guards("ec2:RunInstances")
def interfaces_and_instance_level_settings_exclude_each_other(call: Call) -> None:
    params = call.parameters
    refuse_if(
        params.get("SubnetId") and params.get("SecurityGroups"),
        "InvalidParameterCombination",
        "The parameter groupName cannot be used with the parameter subnet",
    )
    if params.get("NetworkInterfaces"):
        for name in ("SubnetId", "SecurityGroupIds", "SecurityGroups", "PrivateIpAddress"):
            refuse_if(
                params.get(name),
                "InvalidParameterCombination",
                f"Network interfaces and an instance-level {name} may not be specified on the same request",
            )


@guards("ec2:RunInstances")
def given_interfaces_are_free_and_stay_as_they_are(call: Call) -> None:
    params = call.parameters
    interfaces = params.get("NetworkInterfaces") or ()
    refuse_if(
        interfaces and 0 not in {one.get("DeviceIndex") for one in interfaces},
        "InvalidParameterCombination",
        "Each network interface requires a device index, and one of them must be 0.",
    )
    for one in interfaces:
        identifier = one.get("NetworkInterfaceId")
        if identifier is None:
            continue
        for name in ("SubnetId", "Groups", "PrivateIpAddress", "AssociatePublicIpAddress"):
            refuse_if(
                one.get(name) is not None,
                "InvalidParameterCombination",
                f"A network interface may not specify a network interface ID and {name}",
            )
        interface = moto_state.ec2(call.region).enis[identifier]
        refuse_if(
            interface.status == "in-use" or interface.instance is not None or int(params.get("MaxCount", 1)) > 1,
            "InvalidNetworkInterface.InUse",
            f"Interface: [{identifier}] in use.",
        )


@guards("ec2:RunInstances")
def small_values_are_allowed(call: Call) -> None:
    want_match(
        call.parameters.get("ClientToken"),
        CLIENT_TOKEN,
        "InvalidParameterValue",
        "A client token has 1 to 64 ASCII characters.",
    )
    credits = (call.parameters.get("CreditSpecification") or {}).get("CpuCredits")
    refuse_if(
        credits not in (None, "standard", "unlimited"),
        "InvalidParameterValue",
        f"Invalid value '{credits}' for cpuCredits.",
    )


@guards("ec2:RunInstances", "ec2:CreateNetworkInterface")
def an_address_is_free_and_in_the_subnet(call: Call) -> None:
    params = call.parameters
    for one in (params, *(params.get("NetworkInterfaces") or ())):
        listed = [entry.get("PrivateIpAddress") for entry in one.get("PrivateIpAddresses") or ()]
        for address in filter(None, (one.get("PrivateIpAddress"), *listed)):
            subnet = moto_state.subnets(call.region).get(one.get("SubnetId") or params.get("SubnetId") or "")
            refuse_if(
                int(params.get("MaxCount", 1)) > 1,
                "InvalidParameterCombination",
                "You may only launch one instance when you specify a private IP address.",
            )
            if subnet is not None:
                _free(subnet, address)


def _free(subnet: Any, address: str) -> None:
    network = IPv4Network(subnet.cidr_block)
    try:
        number = int(IPv4Address(address)) - int(network.network_address)
    except ValueError as error:
        raise AwsError("InvalidParameterValue", f"invalid value for parameter address: {address}") from error
    outside = not 0 <= number < network.num_addresses
    refuse_if(outside, "InvalidParameterValue", f"Address {address} does not fall within the subnet's address range")
    reserved = number < RESERVED_AT_START or number == network.num_addresses - 1
    refuse_if(reserved, "InvalidParameterValue", f"Address {address} is in subnet's reserved address range")
    refuse_if(address in addresses_in(subnet), "InvalidIPAddress.InUse", f"Address {address} is in use.")


@guards("ec2:RunInstances")
def the_type_fits_the_image(call: Call) -> None:
    params = call.parameters
    image = moto_state.ec2(call.region).amis.get(params.get("ImageId", ""))
    description = moto_state.instance_types(call.region).get(params.get("InstanceType", ""))
    if image is None or description is None:
        return  # moto says which of them does not exist
    architectures = description["ProcessorInfo"]["SupportedArchitectures"]
    refuse_if(
        image.architecture not in architectures,
        "InvalidParameterValue",
        f"The architecture '{','.join(architectures)}' of the specified instance type does not match the architecture "
        f"'{image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures.",
    )


@guards("ec2:RunInstances")
def the_type_exists(call: Call) -> None:
    kind = call.parameters.get("InstanceType")
    refuse_if(
        kind is not None and kind not in moto_state.instance_types(call.region),
        "InvalidParameterValue",
        f"Invalid value '{kind}' for InstanceType.",
    )


@guards("ec2:RunInstances")
def the_zone_is_the_subnets(call: Call) -> None:
    zone = (call.parameters.get("Placement") or {}).get("AvailabilityZone")
    zones = {one.name for one in moto_state.ec2(call.region).describe_availability_zones()}
    refuse_if(zone and zone not in zones, "InvalidParameterValue", f"Invalid availability zone: [{zone}]")
    subnet = moto_state.subnets(call.region).get(call.parameters.get("SubnetId") or "")
    refuse_if(
        zone and subnet is not None and subnet.availability_zone != zone,
        "InvalidParameterValue",
        f"The availability zone '{zone}' does not match the availability zone of the subnet",
    )


@guards(
    "ec2:RunInstances",
    "ec2:CreateNetworkInterface",
    "ec2:ModifyInstanceAttribute",
    "ec2:ModifyNetworkInterfaceAttribute",
)
def an_interface_has_few_groups(call: Call) -> None:
    params = call.parameters
    for one in (params, *(params.get("NetworkInterfaces") or ())):
        groups = one.get("SecurityGroupIds") or one.get("Groups") or ()
        refuse_if(
            len(groups) > GROUPS_OF_AN_INTERFACE,
            "SecurityGroupsPerInterfaceLimitExceeded",
            "The maximum number of security groups per interface has been reached.",
        )


@guards("ec2:RunInstances", "ec2:AssociateIamInstanceProfile")
def the_instance_profile_exists(call: Call) -> None:
    params = call.parameters.get("IamInstanceProfile") or {}
    profiles = moto_state.iam().instance_profiles.values()
    name, arn = params.get("Name"), params.get("Arn")
    refuse_if(
        name and name not in {one.name for one in profiles},
        "InvalidParameterValue",
        f"Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
    )
    refuse_if(
        arn and arn not in {one.arn for one in profiles},
        "InvalidParameterValue",
        f"Value ({arn}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN",
    )


ALLOWED_STATES = {
    "StartInstances": ("stopped", "pending", "running"),
    "StopInstances": ("running", "stopped", "stopping"),
    "RebootInstances": ("running", "pending"),
    "AttachVolume": ("running", "stopped", "pending"),
    "ModifyInstanceAttribute": ("running", "stopped", "pending", "stopping"),
    "ModifyInstanceMetadataOptions": ("running", "stopped", "pending", "stopping"),
}


@guards(*(f"ec2:{action}" for action in ALLOWED_STATES))
def the_state_allows_it(call: Call) -> None:
    wanted = call.parameters.get("InstanceIds") or [call.parameters.get("InstanceId")]
    for instance in moto_state.instances(call.region):
        state = states.state_of(instance)
        refuse_if(
            instance.id in wanted and state not in ALLOWED_STATES[call.action],
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is not in a state from which it can be handled: it is {state}.",
        )


@guards("ec2:ModifyInstanceAttribute")
def some_attributes_change_only_while_stopped(call: Call) -> None:
    instance = moto_state.ec2(call.region).get_instance_by_id(call.parameters["InstanceId"])
    for name in ("InstanceType", "UserData", "EbsOptimized"):
        refuse_if(
            call.parameters.get(name) is not None and states.state_of(instance) != "stopped",
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is not in the 'stopped' state.",
        )
    kind = (call.parameters.get("InstanceType") or {}).get("Value")
    refuse_if(
        kind and kind not in moto_state.instance_types(call.region),
        "InvalidInstanceAttributeValue",
        f"Invalid value '{kind}' for InstanceType.",
    )
    image = moto_state.ec2(call.region).amis.get(instance.image_id)
    description = moto_state.instance_types(call.region).get(kind or "")
    refuse_if(
        image is not None
        and description
        and image.architecture not in description["ProcessorInfo"]["SupportedArchitectures"],
        "InvalidParameterCombination",
        f"The instance's architecture '{getattr(image, 'architecture', '')}' is not supported by '{kind}'.",
    )


@guards("ec2:ModifyInstanceAttribute")
def a_shutdown_stops_or_terminates(call: Call) -> None:
    behaviour = (call.parameters.get("InstanceInitiatedShutdownBehavior") or {}).get("Value")
    refuse_if(
        behaviour not in (None, "stop", "terminate"),
        "InvalidParameterValue",
        f"Invalid value '{behaviour}' for instanceInitiatedShutdownBehavior.",
    )


@guards("ec2:CreateKeyPair", "ec2:ImportKeyPair")
def a_key_pair_has_a_name(call: Call) -> None:
    name = call.parameters.get("KeyName", "")
    refuse_if(
        not 1 <= len(name) <= 255 or not name.isascii() or name != name.strip(),
        "InvalidParameterValue",
        "Key name must be 1 to 255 ASCII characters, with no space at an end.",
    )


@guards("ec2:ImportKeyPair")
def an_imported_key_is_one(call: Call) -> None:
    try:
        load_ssh_public_key(bytes(call.parameters.get("PublicKeyMaterial") or b""))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise AwsError("InvalidKey.Format", "Key is not in valid OpenSSH public key format") from error
