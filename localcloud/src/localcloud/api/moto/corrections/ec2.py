"""Corrections to moto's EC2."""

from __future__ import annotations

import copy
import re
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2 import utils
from moto.ec2.exceptions import InvalidPermissionNotFoundError
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.launch_templates import LaunchTemplateVersion
from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule
from moto.ec2.responses.availability_zones_and_regions import AvailabilityZonesAndRegions
from moto.ec2.responses.general import General
from moto.ec2.responses.key_pairs import KeyPairs

from .. import lifecycle
from ..moto_state import ENABLED_REGIONS, instance_profile_arn, regions
from ..patching import replace

PROFILE = "iam-instance-profile.arn"


def tag_resource_types() -> None:
    """DescribeTags uses AWS's resource types. For ec2_vpc_nat_gateway and ec2_eip (otherwise they tag on every run)."""
    utils.EC2_PREFIX_TO_RESOURCE.update(
        {
            "nat": "natgateway",
            "eipalloc": "elastic-ip",
            "pl": "prefix-list",
            "fl": "vpc-flow-log",
            "h": "dedicated-host",
            "sir": "spot-instances-request",
        }
    )


def groups_of_an_interface() -> None:
    """Setting an interface's groups replaces them, and an instance has the groups of its first interface. For the data
    plane (otherwise a removed group keeps ports open) and ec2_instance with a network interface."""

    def get(self: Any) -> list[Any]:
        first = getattr(self, "nics", {}).get(0)
        return list(first._group_set) if first is not None else self._security_groups

    def put(self: Any, groups: list[Any]) -> None:
        self._security_groups = list(groups)
        first = getattr(self, "nics", {}).get(0)
        if first is not None:
            first._group_set = list(groups)

    replace(Instance, security_groups=property(get, put))
    replace(NetworkInterface, group_set=property(lambda self: list(self._group_set)))


def source_check_of_an_instance() -> None:
    """An instance's source/destination check is its first interface's. For the data plane (otherwise it keeps checking)."""

    def get(self: Any) -> bool:
        first = getattr(self, "nics", {}).get(0)
        return first is None or str(first.source_dest_check).lower() != "false"

    def put(self: Any, value: Any) -> None:
        first = getattr(self, "nics", {}).get(0)
        if first is not None:
            first.source_dest_check = value

    replace(Instance, source_dest_check=property(get, put))


def instance_profiles_as_a_filter() -> None:
    """DescribeInstances supports the filter iam-instance-profile.arn, with wildcards. For inventory/*/aws_ec2.yml."""
    original = utils.passes_filter_dict

    def passes(instance: Any, wanted: dict[str, Any]) -> bool:
        others = {name: values for name, values in wanted.items() if name != PROFILE}
        patterns = [utils.simple_aws_filter_to_re(value) for value in wanted.get(PROFILE, ())]
        arn = instance_profile_arn(instance.ec2_backend.region_name, instance) or ""
        return (not patterns or any(re.match(pattern, arn) for pattern in patterns)) and bool(
            original(instance, others)
        )

    replace(utils, passes_filter_dict=passes)


def status_of_running_instances() -> None:
    """DescribeInstanceStatus lists only running instances unless IncludeAllInstances is set. For waiters."""
    original = InstanceBackend.describe_instance_status

    def describe(self: Any, instance_ids: list[str], include_all_instances: bool, filters: Any) -> Any:
        found = original(self, instance_ids, include_all_instances, filters)
        return [status for status in found if include_all_instances or status.state == "running"]

    replace(InstanceBackend, describe_instance_status=describe)


def rules_without_descriptions() -> None:
    """Rules that differ only in their description are equal. For revoking a rule with a source group by protocol, ports
    and group (otherwise only rules with address ranges are found)."""
    original = SecurityGroupRule.__eq__

    def bare(rule: Any) -> Any:
        copied = copy.copy(rule)
        copied.source_group = {key: value for key, value in rule.source_group.items() if key != "Description"}
        return copied

    def same(self: Any, other: Any) -> bool:
        return bool(original(bare(self), bare(other)))

    replace(SecurityGroupRule, __eq__=same)


def reassociated_addresses() -> None:
    """A reassociated elastic address leaves its former interface. For the data plane (otherwise both keep it)."""
    original = ElasticAddressBackend.associate_address

    def associate(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = {address.allocation_id: address.eni for address in self.addresses}
        elastic = original(self, *args, **kwargs)
        former = before.get(elastic.allocation_id)
        if former is not None and former is not elastic.eni:
            former.public_ip = None
        return elastic

    replace(ElasticAddressBackend, associate_address=associate)


def launch_template_own_tags() -> None:
    """A launch template's own tags are not part of its data. For ec2_launch_template (otherwise it adds a version)."""
    original = LaunchTemplateVersion.__init__

    def init(self: Any, template: Any, number: int, data: dict[str, Any], description: str) -> None:
        specifications = data.pop("TagSpecifications", [])
        if kept := [spec for spec in specifications if spec.get("ResourceType") != "launch-template"]:
            data["TagSpecifications"] = kept
        original(self, template, number, data, description)

    replace(LaunchTemplateVersion, __init__=init)


def console_output() -> None:
    """GetConsoleOutput returns the host's console. For reading SSH host keys."""

    def get_console_output(self: Any) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        reality = lifecycle.current().reality
        text = reality.console(instance.id) if reality else ""
        output = Base64EncodedString.from_raw_string(text) if text else None
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})

    replace(General, get_console_output=get_console_output)


def rules_without_ports() -> None:
    """A rule needs no ports if its protocol has none. For ec2_security_group with protocol 50 (otherwise TypeError)."""
    original = SecurityGroupRule.__init__

    def init(self: Any, backend: Any, protocol: str, group: str, *args: Any, **kwargs: Any) -> None:
        first, last = ("-1" if port is None else port for port in args[:2])
        original(self, backend, protocol, group, first, last, *args[2:], **kwargs)

    replace(SecurityGroupRule, __init__=init)


def revoking_in_a_default_vpc() -> None:
    """Revoking a missing rule is not an error in a default VPC. For ec2_security_group."""
    for name in ("revoke_security_group_ingress", "revoke_security_group_egress"):
        replace(SecurityGroupBackend, **{name: _lenient(getattr(SecurityGroupBackend, name))})


def _lenient(original: Any) -> Any:
    def revoke(self: Any, group_name_or_id: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, group_name_or_id, *args, **kwargs)
        except InvalidPermissionNotFoundError:
            group = self.get_security_group_by_name_or_id(group_name_or_id, kwargs.get("vpc_id"))
            if group is None or not self.vpcs[group.vpc_id].is_default:
                raise
            return group

    return revoke


def key_pairs_deleted_by_id() -> None:
    """DeleteKeyPair accepts KeyPairId as well as KeyName. For the teardown, which deletes by ID."""
    original = KeyPairs.delete_key_pair

    def delete_key_pair(self: Any) -> ActionResult:
        identifier = self._get_param("KeyPairId")
        if not identifier:
            return original(self)
        for name in [name for name, pair in self.ec2_backend.key_pairs.items() if pair.id == identifier]:
            self.ec2_backend.delete_key_pair(name)
        return ActionResult({"Return": True, "KeyPairId": identifier})

    replace(KeyPairs, delete_key_pair=delete_key_pair)


def regions_of_the_account() -> None:
    """DescribeRegions lists the enabled regions, and with AllRegions all of AWS's public partition. For preflight."""
    for region in RegionsAndZonesBackend.regions:
        region.opt_in_status = "opt-in-not-required" if region.name in ENABLED_REGIONS else "not-opted-in"

    def describe_regions(self: Any) -> ActionResult:
        self.error_on_dryrun()
        names = self._get_param("RegionNames", [])
        shown = regions() if names or self._get_bool_param("AllRegions") else ENABLED_REGIONS
        return ActionResult({"Regions": [one for one in self.ec2_backend.describe_regions(names) if one.name in shown]})

    replace(AvailabilityZonesAndRegions, describe_regions=describe_regions)


ALL = (
    key_pairs_deleted_by_id,
    regions_of_the_account,
    source_check_of_an_instance,
    instance_profiles_as_a_filter,
    status_of_running_instances,
    rules_without_ports,
    revoking_in_a_default_vpc,
    console_output,
    tag_resource_types,
    groups_of_an_interface,
    rules_without_descriptions,
    reassociated_addresses,
    launch_template_own_tags,
)
