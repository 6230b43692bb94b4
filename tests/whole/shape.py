"""What the default environment consists of, by kind, as tests.support.account lists it."""

from __future__ import annotations

from collections import Counter

# AWS makes some of these itself: the VPC's own route table, network ACL and security group, and a volume a host.
SHAPE = Counter(
    {
        "Vpcs": 1,
        "Subnets": 6,
        "InternetGateways": 1,
        "NatGateways": 1,
        "Addresses": 1,
        "RouteTables": 5,
        "NetworkAcls": 1,
        "VpcEndpoints": 1,
        "SecurityGroups": 6,
        # One a host, two a load balancer, one of the NAT gateway, one of the database.
        "NetworkInterfaces": 10,
        "instance": 4,
        "Volumes": 4,
        "KeyPairs": 1,
        "Roles": 1,
        "InstanceProfiles": 1,
        "LoadBalancers": 2,
        "TargetGroups": 2,
        "DBInstances": 1,
        "DBSubnetGroups": 1,
        "DBParameterGroups": 1,
        # Two passwords, the SSH key, the hosts' keys, the record of one release.
        "Parameters": 5,
    }
)


def shape(listing: set[str]) -> Counter[str]:
    """How many resources there are of each kind. Snapshots are not counted: teardowns leave some behind on purpose."""
    return Counter(kind for entry in listing if (kind := entry.split(":")[1]) != "DBSnapshots")
