"""Corrections to what goes with what when EC2 resources end, and to how they are found before that."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import VPCIdNotSpecifiedError
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.utils import generic_filter

from ..patching import replace


def interfaces_made_at_launch() -> None:
    """An interface that a launch makes goes with its instance unless the launch says otherwise. For teardown (the
    subnet is never free else)."""
    original = Instance.prep_nics

    def prep_nics(self: Any, nic_spec: list[dict[str, Any]], *args: Any, **kwargs: Any) -> None:
        original(self, nic_spec, *args, **kwargs)
        given = {spec.get("NetworkInterfaceId") for spec in nic_spec}
        kept = {int(spec.get("DeviceIndex", 0)) for spec in nic_spec if spec.get("DeleteOnTermination") is False}
        for index, interface in self.nics.items():
            if interface.id not in given and index not in kept:
                interface.delete_on_termination = True

    replace(Instance, prep_nics=prep_nics)


def launch_in_the_default_vpc() -> None:
    """A launch that names no subnet goes to the default one of its zone. For the data plane (moto makes up an address)."""
    original = InstanceBackend.run_instances

    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        named = kwargs.get("subnet_id") or any(
            nic.get("SubnetId") or nic.get("NetworkInterfaceId") for nic in kwargs.get("nics") or ()
        )
        if not named and not kwargs.get("launch_template"):
            defaults = self.get_default_subnets()
            if not defaults:
                raise VPCIdNotSpecifiedError
            kwargs["subnet_id"] = defaults[kwargs.get("placement") or min(defaults)].id
            if kwargs.get("associate_public_ip") is None:
                kwargs["associate_public_ip"] = True
        return original(self, *args, **kwargs)

    replace(InstanceBackend, run_instances=run)


def nat_gateways_by_tag() -> None:
    """DescribeNatGateways takes tag filters. For teardown and the survey (they get every environment's else)."""
    original = NatGatewayBackend.describe_nat_gateways

    def describe_nat_gateways(self: Any, filters: Any, nat_gateway_ids: list[str] | None) -> Any:
        by_tag = {name: values for name, values in (filters or {}).items() if name.startswith("tag")}
        return generic_filter(by_tag, original(self, filters, nat_gateway_ids))

    replace(NatGatewayBackend, describe_nat_gateways=describe_nat_gateways)


def endpoint_type_by_default() -> None:
    """An endpoint of no given type is a gateway's. For teardown (DeleteVpcEndpoints ends in an internal error else)."""
    original = VPCBackend.create_vpc_endpoint

    def create_vpc_endpoint(self: Any, *args: Any, **kwargs: Any) -> Any:
        endpoint = original(self, *args, **kwargs)
        endpoint.vpc_endpoint_type = endpoint.vpc_endpoint_type or "Gateway"
        return endpoint

    replace(VPCBackend, create_vpc_endpoint=create_vpc_endpoint)


def associations_of_a_subnet() -> None:
    """A subnet's association with a route table goes with the subnet. For teardown (the table is in use else)."""
    original = SubnetBackend.delete_subnet

    def delete_subnet(self: Any, subnet_id: str) -> Any:
        deleted = original(self, subnet_id)
        for table in self.route_tables.values():
            for association, associated in list(table._associations.items()):
                if associated == subnet_id:
                    del table._associations[association]
        return deleted

    replace(SubnetBackend, delete_subnet=delete_subnet)


def default_network_acl() -> None:
    """A VPC's default network ACL goes with the VPC. For teardown (it is left over else)."""
    original = VPCBackend.delete_vpc

    def delete_vpc(self: Any, vpc_id: str) -> Any:
        deleted = original(self, vpc_id)
        for acl in [acl for acl in self.network_acls.values() if acl.vpc_id == vpc_id]:
            del self.network_acls[acl.id]
        return deleted

    replace(VPCBackend, delete_vpc=delete_vpc)


ALL = (
    launch_in_the_default_vpc,
    interfaces_made_at_launch,
    nat_gateways_by_tag,
    endpoint_type_by_default,
    associations_of_a_subnet,
    default_network_acl,
)
