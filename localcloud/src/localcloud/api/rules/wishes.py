"""What a call may not ask for: parameters whose effect the local cloud would have to make real and cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..request import Call, asks
from .realised import not_realised

Wishes = Callable[[dict[str, Any]], Iterator[str]]
HTTP_FIELDS = {"path-pattern", "host-header"}

# By action: the parameters that are made real, and those without an effect that anybody could see. Others are refused.
REAL = {
    "ec2:RunInstances": {
        "BlockDeviceMappings", "ImageId", "InstanceType", "KeyName", "MaxCount", "MinCount", "Monitoring", "Placement",
        "SecurityGroupIds", "SecurityGroups", "SubnetId", "UserData", "TagSpecifications", "LaunchTemplate",
        "CreditSpecification", "MetadataOptions", "MaintenanceOptions", "DisableApiStop", "DisableApiTermination",
        "InstanceInitiatedShutdownBehavior", "PrivateIpAddress", "ClientToken", "NetworkInterfaces", "IamInstanceProfile",
        "EbsOptimized", "CapacityReservationSpecification",
    },
    "ec2:CreateNetworkInterface": {
        "SubnetId", "Description", "PrivateIpAddress", "PrivateIpAddresses", "Groups", "ClientToken", "TagSpecifications",
    },
    "ec2:AllocateAddress": {"Domain", "TagSpecifications", "NetworkBorderGroup"},
    "ec2:CreateVpc": {"CidrBlock", "InstanceTenancy", "TagSpecifications"},
    "ec2:AssociateVpcCidrBlock": {"CidrBlock", "VpcId"},
    "ec2:CreateSubnet": {"VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId", "TagSpecifications"},
    "ec2:ModifySubnetAttribute": {"SubnetId", "MapPublicIpOnLaunch"},
    "ec2:AssociateRouteTable": {"RouteTableId", "SubnetId"},
    "ec2:CreateNatGateway": {
        "AllocationId", "SubnetId", "ClientToken", "TagSpecifications", "ConnectivityType", "AvailabilityMode",
    },
    "ec2:ModifyNetworkInterfaceAttribute": {
        "NetworkInterfaceId", "Description", "SourceDestCheck", "Groups", "Attachment",
    },
    "elbv2:CreateLoadBalancer": {
        "Name", "Subnets", "SubnetMappings", "SecurityGroups", "Scheme", "Tags", "Type", "IpAddressType",
    },
    "elbv2:SetSubnets": {"LoadBalancerArn", "Subnets", "SubnetMappings", "IpAddressType"},
    "elbv2:CreateListener": {"LoadBalancerArn", "Protocol", "Port", "DefaultActions", "Tags"},
    "elbv2:ModifyListener": {"ListenerArn", "Protocol", "Port", "DefaultActions"},
    "elbv2:CreateRule": {"ListenerArn", "Conditions", "Priority", "Actions", "Tags"},
    "elbv2:ModifyRule": {"RuleArn", "Conditions", "Actions"},
}  # fmt: skip
# Of databases the other way round, since most of their parameters are for other engines, or for reports.
UNREAL_OF_DATABASES = {
    "MultiAZ": "a standby in a second zone is not made real",
    "DBClusterIdentifier": "database clusters are not made real",
    "EnableIAMDatabaseAuthentication": "authentication by IAM is not made real",
    "ManageMasterUserPassword": "rotation of a master password by Secrets Manager is not made real",
    "RotateMasterUserPassword": "rotation of a master password by Secrets Manager is not made real",
    "MasterUserAuthenticationType": "authentication by IAM is not made real",
    "Domain": "authentication by a directory is not made real",
    "DomainFqdn": "authentication by a directory is not made real",
    "EnableCustomerOwnedIp": "outposts are not made real",
    "CustomIamInstanceProfile": "custom databases are not made real",
    "DBSecurityGroups": "groups of EC2-Classic are not made real",
    "NewDBInstanceIdentifier": "renaming is not made real",
    "Timezone": "a database's time zone is not made real but by its parameter group",
    "CharacterSetName": "character sets are not made real",
    "ReplicaMode": "replicas are not made real",
    "AdditionalStorageVolumes": "volumes of a database are not made real",
    "TdeCredentialArn": "encryption by the engine is not made real",
    "DBClusterSnapshotIdentifier": "database clusters are not made real",
}


def _beyond(call: Call) -> Iterator[str]:
    real = REAL.get(call.name)
    for name, value in call.parameters.items() if real else ():
        if name not in (real or ()) and name != "DryRun" and asks(value):
            yield f"the parameter {name} is not made real"


def _load_balancer(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("Type", "application") != "application":
        yield f"load balancers of type {wish['Type']} are not made real, only application load balancers"
    if wish.get("IpAddressType", "ipv4") != "ipv4":
        yield "IPv6 is not made real"
    if any(one.keys() - {"SubnetId"} for one in wish.get("SubnetMappings", ())):
        yield "chosen addresses of a load balancer are not made real"


def _target_group(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("TargetType", "instance") not in ("instance", "ip"):
        yield f"targets of type {wish['TargetType']} are not made real, only instance and ip"
    if wish.get("Protocol") not in (None, "HTTP"):
        yield f"target groups with protocol {wish['Protocol']} are not made real, only HTTP"
    if wish.get("HealthCheckProtocol") not in (None, "HTTP"):
        yield f"health checks with protocol {wish['HealthCheckProtocol']} are not made real, only HTTP"
    if wish.get("ProtocolVersion", "HTTP1") != "HTTP1":
        yield f"protocol version {wish['ProtocolVersion']} is not made real, only HTTP1"
    if wish.get("IpAddressType", "ipv4") != "ipv4":
        yield "IPv6 is not made real"


# Attributes that change what a load balancer does: the values that the local cloud has.
ATTRIBUTES = {
    "stickiness.enabled": {"false"},
    "slow_start.duration_seconds": {"0"},
    "load_balancing.algorithm.type": {"round_robin", "least_outstanding_requests"},
    "load_balancing.algorithm.anomaly_mitigation": {"off"},
    "load_balancing.cross_zone.enabled": {"true", "use_load_balancer_configuration"},
    "target_group_health.dns_failover.minimum_healthy_targets.count": {"1"},
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": {"off"},
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": {"1"},
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": {"off"},
    "access_logs.s3.enabled": {"false"},
    "connection_logs.s3.enabled": {"false"},
    "health_check_logs.s3.enabled": {"false"},
    "client_keep_alive.seconds": {"3600"},
    "routing.http.desync_mitigation_mode": {"defensive"},
    "routing.http.preserve_host_header.enabled": {"false"},
    "routing.http.xff_client_port.enabled": {"false"},
    "routing.http.xff_header_processing.mode": {"append"},
}


def _attributes(wish: dict[str, Any]) -> Iterator[str]:
    for one in wish.get("Attributes", ()):
        key, value = one.get("Key"), one.get("Value")
        if key in ATTRIBUTES and value not in ATTRIBUTES[key]:
            yield f"{key}={value} is not made real, only {' and '.join(sorted(ATTRIBUTES[key]))}"


def _listener(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("Protocol") not in (None, "HTTP"):
        yield f"listeners with protocol {wish['Protocol']} are not made real, only HTTP"
    yield from _actions(wish.get("DefaultActions", ()))


def _rule(wish: dict[str, Any]) -> Iterator[str]:
    for field in {one.get("Field") for one in wish.get("Conditions", ())} - HTTP_FIELDS:
        yield f"conditions on {field} are not made real, only {' and '.join(sorted(HTTP_FIELDS))}"
    yield from _actions(wish.get("Actions", ()))


def _actions(actions: Any) -> Iterator[str]:
    for action in actions:
        if str(action.get("Type", "")).startswith("authenticate"):
            yield f"actions of type {action['Type']} are not made real"
        forward = action.get("ForwardConfig") or {}
        groups = forward.get("TargetGroups") or ()
        if len(groups) > 1 or any(one.get("Weight") == 0 for one in groups):
            yield "forwarding to weighted target groups is not made real"
        if asks((forward.get("TargetGroupStickinessConfig") or {}).get("Enabled")):
            yield "sticky sessions are not made real"


def _database(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("Engine", "postgres") != "postgres":
        yield f"engine {wish['Engine']} is not made real, only postgres"
    for name, why in UNREAL_OF_DATABASES.items():
        if asks(wish.get(name)):
            yield why
    if wish.get("NetworkType", "IPV4") != "IPV4":
        yield "IPv6 is not made real"


def _instances(wish: dict[str, Any]) -> Iterator[str]:
    if len(wish.get("NetworkInterfaces", ())) > 1:
        yield "more than one network interface on an instance is not made real"
    if wish.get("InstanceMarketOptions"):
        yield "spot instances are not made real"
    tenancy = (wish.get("Placement") or {}).get("Tenancy", "default")
    if tenancy != "default" or asks({**(wish.get("Placement") or {}), "AvailabilityZone": "", "Tenancy": ""}):
        yield "placement beyond an availability zone is not made real"
    yield from _metadata(wish)
    for one in wish.get("NetworkInterfaces", ()):
        yield from _interface(one)
    if any(
        one.get("Ipv6AddressCount") or one.get("Ipv6Addresses") for one in [wish, *wish.get("NetworkInterfaces", ())]
    ):
        yield "IPv6 is not made real"
    if str(wish.get("InstanceType", "")).split(".")[0] in ARM_FAMILIES:
        yield f"instance type {wish['InstanceType']} has an arm64 processor, the local cloud's hosts are x86_64"


ARM_FAMILIES = {"a1", "t4g", "m6g", "m6gd", "m7g", "m7gd", "m8g", "c6g", "c6gd", "c6gn", "c7g", "c7gd", "c7gn", "c8g", "r6g",
                "r6gd", "r7g", "r7gd", "r8g", "x2gd", "im4gn", "is4gen", "g5g"}  # fmt: skip


INTERFACE = {
    "AssociatePublicIpAddress", "DeleteOnTermination", "Description", "DeviceIndex", "Groups", "NetworkInterfaceId",
    "PrivateIpAddress", "PrivateIpAddresses", "SubnetId",
}  # fmt: skip


def _interface(interface: dict[str, Any]) -> Iterator[str]:
    yield from _addresses(interface)
    for name, value in interface.items():
        if name not in INTERFACE and asks(value) and value != "interface":
            yield f"an interface's {name} is not made real"


def _vpc_attribute(wish: dict[str, Any]) -> Iterator[str]:
    if (wish.get("EnableDnsSupport") or {}).get("Value") is False:
        yield "a VPC without name resolution is not made real"


def _metadata(wish: dict[str, Any]) -> Iterator[str]:
    if (wish.get("MetadataOptions") or wish).get("HttpProtocolIpv6") == "enabled":
        yield "IPv6 is not made real"


def _addresses(interface: dict[str, Any]) -> Iterator[str]:
    """Wishes for more than one address."""
    several = len(interface.get("PrivateIpAddresses") or ()) > 1 or asks(
        interface.get("SecondaryPrivateIpAddressCount")
    )
    if several or asks(interface.get("Ipv4Prefixes")) or asks(interface.get("Ipv4PrefixCount")):
        yield "secondary private addresses are not made real"


def _attach_interface(_wish: dict[str, Any]) -> Iterator[str]:
    yield "more than one network interface on an instance is not made real"


def _network(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("AmazonProvidedIpv6CidrBlock") or wish.get("Ipv6CidrBlock") or wish.get("Ipv6Native"):
        yield "IPv6 is not made real"
    if wish.get("InstanceTenancy", "default") != "default":
        yield "dedicated hardware is not made real"


def _route(wish: dict[str, Any]) -> Iterator[str]:
    real = {"GatewayId", "NatGatewayId", "DestinationCidrBlock", "RouteTableId", "DryRun"}
    for other in sorted(key for key in wish.keys() - real if wish[key] is not None):
        yield f"routes with {other} are not made real, only to internet gateways and NAT gateways"


def _nat_gateway(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("ConnectivityType", "public") != "public":
        yield "private NAT gateways are not made real"
    if wish.get("AvailabilityMode", "zonal") != "zonal":
        yield "regional NAT gateways are not made real"


def _endpoint(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("VpcEndpointType", "Gateway") != "Gateway":
        yield f"endpoints of type {wish['VpcEndpointType']} are not made real"


def _parameter(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("Policies"):
        yield "policies of a parameter, such as its expiration, are not made real"


def _secret(wish: dict[str, Any]) -> Iterator[str]:
    if wish.get("AddReplicaRegions"):
        yield "replicas of a secret are not made real"


WISHES: dict[str, Wishes] = {
    "elbv2:CreateLoadBalancer": _load_balancer,
    "elbv2:CreateTargetGroup": _target_group,
    "elbv2:ModifyTargetGroup": _target_group,
    "elbv2:ModifyTargetGroupAttributes": _attributes,
    "elbv2:ModifyLoadBalancerAttributes": _attributes,
    "elbv2:SetSubnets": _load_balancer,
    "elbv2:CreateListener": _listener,
    "elbv2:ModifyListener": _listener,
    "elbv2:CreateRule": _rule,
    "elbv2:ModifyRule": _rule,
    "rds:CreateDBInstance": _database,
    "rds:RestoreDBInstanceFromDBSnapshot": _database,
    "rds:ModifyDBInstance": _database,
    "ec2:RunInstances": _instances,
    "ec2:CreateNetworkInterface": _addresses,
    "ec2:AttachNetworkInterface": _attach_interface,
    "ssm:PutParameter": _parameter,
    "secretsmanager:CreateSecret": _secret,
    "ec2:ModifyInstanceMetadataOptions": _metadata,
    "ec2:ModifyVpcAttribute": _vpc_attribute,
    "ec2:CreateVpc": _network,
    "ec2:CreateSubnet": _network,
    "ec2:AssociateVpcCidrBlock": _network,
    "ec2:CreateRoute": _route,
    "ec2:ReplaceRoute": _route,
    "ec2:CreateNatGateway": _nat_gateway,
    "ec2:CreateVpcEndpoint": _endpoint,
}


def refuse_parameters(call: Call) -> None:
    """Raise NotRealised for what the call asks for beyond what is made real."""
    for why in (*WISHES.get(call.name, lambda _: iter(()))(call.parameters), *_beyond(call)):
        raise not_realised(call, why)
