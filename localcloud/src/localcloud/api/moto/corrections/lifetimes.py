"""Corrections to the deletion of EC2 resources and their dependents, and to how these are found."""

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
    """Terminating an instance deletes the interfaces created by its launch, unless the launch says otherwise. For
    teardown (otherwise the subnet stays in use)."""
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
    """A launch without a subnet uses the zone's default subnet. For the data plane (otherwise moto invents an address)."""
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
    """DescribeNatGateways supports tag filters. For finding one environment's gateways (otherwise it returns all)."""
    original = NatGatewayBackend.describe_nat_gateways

    def describe_nat_gateways(self: Any, filters: Any, nat_gateway_ids: list[str] | None) -> Any:
        by_tag = {name: values for name, values in (filters or {}).items() if name.startswith("tag")}
        return generic_filter(by_tag, original(self, filters, nat_gateway_ids))

    replace(NatGatewayBackend, describe_nat_gateways=describe_nat_gateways)


def endpoint_type_by_default() -> None:
    """The default endpoint type is Gateway. For teardown (otherwise DeleteVpcEndpoints fails with an internal error)."""
    original = VPCBackend.create_vpc_endpoint

    def create_vpc_endpoint(self: Any, *args: Any, **kwargs: Any) -> Any:
        endpoint = original(self, *args, **kwargs)
        endpoint.vpc_endpoint_type = endpoint.vpc_endpoint_type or "Gateway"
        return endpoint

    replace(VPCBackend, create_vpc_endpoint=create_vpc_endpoint)


def associations_of_a_subnet() -> None:
    """Deleting a subnet deletes its route table association. For teardown (otherwise the table stays in use)."""
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
    """Deleting a VPC deletes its default network ACL. For teardown (otherwise the ACL is left over)."""
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
