"""What runs in an environment's network: instances, load balancers, database; and its keys, rights and parameters."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from ..look import (
    DEBIAN_ACCOUNT,
    LIVE_INSTANCES,
    Look,
    Resources,
    is_missing,
    shown,
    side_by_side,
    tags,
)

# What role hosts calls a host, by its tier.
HOST_NAME = re.compile(r"(frontend|backend)-[1-9]")


def hosts(look: Look) -> dict[str, Any]:
    """Instances, the key pair, the instance profile and its role. Reads after the network, whose names it needs.

    strangers: instances with the environment's tags that role hosts did not make, each in words.
    """
    reservations, keys, profile = side_by_side(
        partial(
            look.pages,
            "ec2",
            "describe_instances",
            "Reservations",
            Filters=[*look.filters, {"Name": "instance-state-name", "Values": LIVE_INSTANCES}],
        ),
        lambda: look.client("ec2").describe_key_pairs(
            Filters=[{"Name": "key-name", "Values": [f"{look.prefix}-ssh"]}], IncludePublicKey=True
        )["KeyPairs"],
        partial(_instance_profile, look),
    )
    keys = [key for key in keys if look.own(key["KeyName"], tags(key))]
    instances = [instance for reservation in reservations for instance in reservation["Instances"]]
    elsewhere = "its subnet is none of the environment's"
    odd = {
        item["InstanceId"]: oddity(look, item) or ("" if item.get("SubnetId") in look.found else elsewhere)
        for item in instances
    }
    own = [item for item in instances if not odd[item["InstanceId"]]]
    named = look.named(own, "InstanceId", name_of=lambda item: tags(item)["Name"])
    return {
        "instances": {name: _instance(look, item) for name, item in named},
        "strangers": [f"{instance} ({why})" for instance, why in sorted(odd.items()) if why],
        "key_pair": {"id": keys[0]["KeyPairId"], "public_key": keys[0].get("PublicKey", "").strip()} if keys else {},
        "instance_profile": profile,
    }


def oddity(look: Look, item: dict[str, Any]) -> str:
    """In what an instance with the environment's tags differs from those that role hosts makes; empty: in nothing.

    Whoever may launch and tag can have the two tags and a host's name. The instance profile takes iam:PassRole on the
    environment's role. inventory/*/aws_ec2.yml has the same rule as filters, as far as EC2 has filters for it.
    """
    its = tags(item)
    host = HOST_NAME.fullmatch(its.get("Name", ""))
    if not host:
        return f"its Name is '{shown(its.get('Name', ''))}'"
    named = f"its Name is {host[0]}, but its"
    profile = item.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2]
    for what, seen, wanted in (
        ("Tier", its.get("Tier", ""), host[1]),
        ("key pair", item.get("KeyName", ""), f"{look.prefix}-ssh"),
        ("instance profile", profile, f"{look.prefix}-host"),
    ):
        if seen != wanted:
            return f"{named} {what} is '{shown(seen)}'"
    return ""


def _instance(look: Look, item: dict[str, Any]) -> dict[str, Any]:
    options = item.get("MetadataOptions", {})
    return {
        "id": item["InstanceId"],
        "tier": tags(item).get("Tier", ""),
        "state": item["State"]["Name"],
        "image": item["ImageId"],
        "type": item["InstanceType"],
        "zone": item["Placement"]["AvailabilityZone"],
        "subnet": look.name(item.get("SubnetId")),
        "security_groups": look.names(group["GroupId"] for group in item["SecurityGroups"]),
        "private_address": item.get("PrivateIpAddress", ""),
        "public_address": item.get("PublicIpAddress", ""),
        "http_tokens": options.get("HttpTokens", ""),
        "hop_limit": options.get("HttpPutResponseHopLimit", 0),
    }


def _instance_profile(look: Look) -> dict[str, Any]:
    client = look.client("iam")
    name = f"{look.prefix}-host"
    try:
        profile, policies, role = side_by_side(
            lambda: client.get_instance_profile(InstanceProfileName=name)["InstanceProfile"],
            lambda: client.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
            lambda: client.get_role(RoleName=name)["Role"],
        )
    except client.exceptions.ClientError as error:
        if is_missing(error):
            return {}
        raise
    look.own(name, tags(profile))
    return {
        "arn": profile["Arn"],
        "roles": [its["RoleName"] for its in profile["Roles"]],
        "policies": sorted(policy["PolicyArn"] for policy in policies),
        "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
        "tags": tags(profile),
    }


def newest_image(look: Look) -> dict[str, Any]:
    """The official Debian 13 image of today: id, name, root device."""
    images = look.client("ec2").describe_images(
        Owners=[DEBIAN_ACCOUNT],
        Filters=[
            {"Name": "name", "Values": ["debian-13-amd64-*"]},
            {"Name": "state", "Values": ["available"]},
        ],
    )["Images"]
    if not images:
        return {}
    newest = max(images, key=lambda image: image["CreationDate"])
    return {"id": newest["ImageId"], "name": newest["Name"], "root_device": newest["RootDeviceName"]}


def zones(look: Look, instance_type: str) -> list[str]:
    """Availability zones that take new instances of the type, in their order."""
    client = look.client("ec2")
    available, offered = side_by_side(
        lambda: client.describe_availability_zones(
            Filters=[{"Name": "state", "Values": ["available"]}, {"Name": "zone-type", "Values": ["availability-zone"]}]
        )["AvailabilityZones"],
        lambda: client.describe_instance_type_offerings(
            LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": [instance_type]}]
        )["InstanceTypeOfferings"],
    )
    offering = {offer["Location"] for offer in offered}
    return sorted(zone["ZoneName"] for zone in available if zone["ZoneName"] in offering)


def load_balancers(look: Look) -> dict[str, Any]:
    """Load balancers, their listeners, target groups and the state of each target.

    A target is named after its instance; with its port, as in frontend-1:5002, where that is not its group's.
    """
    balancers, groups = side_by_side(
        partial(look.pages, "elbv2", "describe_load_balancers", "LoadBalancers"),
        partial(look.pages, "elbv2", "describe_target_groups", "TargetGroups"),
    )
    balancers, groups = side_by_side(
        partial(_own, look, balancers, "LoadBalancer"), partial(_own, look, groups, "TargetGroup")
    )
    for item in groups:
        look.found[item["TargetGroupArn"]] = look.short(item["TargetGroupName"])
    listeners, targets, settings, delays = (
        side_by_side(*(partial(_listeners, look, item["LoadBalancerArn"]) for item in balancers)),
        side_by_side(*(partial(_targets, look, item["TargetGroupArn"], item["Port"]) for item in groups)),
        side_by_side(*(partial(_attributes, look, "load_balancer", item["LoadBalancerArn"]) for item in balancers)),
        side_by_side(*(partial(_attributes, look, "target_group", item["TargetGroupArn"]) for item in groups)),
    )
    return {
        "load_balancers": {
            look.short(item["LoadBalancerName"]): _load_balancer(look, item, ports, attributes)
            for item, ports, attributes in zip(balancers, listeners, settings, strict=True)
        },
        "target_groups": {
            look.short(item["TargetGroupName"]): _target_group(item, states, attributes)
            for item, states, attributes in zip(groups, targets, delays, strict=True)
        },
    }


def _own(look: Look, items: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Those that begin like the environment's names and do not have another's tags."""
    items = [item for item in items if item[f"{kind}Name"].startswith(f"{look.prefix}-")]
    told: dict[str, dict[str, str]] = {}
    for start in range(0, len(items), 20):  # as many as one call takes
        arns = [item[f"{kind}Arn"] for item in items[start : start + 20]]
        answer = look.client("elbv2").describe_tags(ResourceArns=arns)["TagDescriptions"]
        told |= {entry["ResourceArn"]: tags(entry) for entry in answer}
    return [item for item in items if look.own(item[f"{kind}Name"], told.get(item[f"{kind}Arn"], {}))]


def _listeners(look: Look, arn: str) -> dict[str, str]:
    items = look.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn)
    return {str(item["Port"]): look.name(item["DefaultActions"][0].get("TargetGroupArn")) for item in items}


def _attributes(look: Look, kind: str, arn: str) -> dict[str, str]:
    """Attributes of a load balancer or a target group, as AWS writes them."""
    name = "LoadBalancerArn" if kind == "load_balancer" else "TargetGroupArn"
    answer = getattr(look.client("elbv2"), f"describe_{kind}_attributes")(**{name: arn})
    return {attribute["Key"]: attribute["Value"] for attribute in answer["Attributes"]}


def _targets(look: Look, arn: str, port: int) -> dict[str, str]:
    answers = look.client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return {_target_name(look, answer["Target"], port): answer["TargetHealth"]["State"] for answer in answers}


def _target_name(look: Look, target: dict[str, Any], port: int) -> str:
    name = look.name(target["Id"])
    return name if target.get("Port", port) == port else f"{name}:{target['Port']}"


def _load_balancer(
    look: Look, item: dict[str, Any], listeners: dict[str, str], attributes: dict[str, str]
) -> dict[str, Any]:
    return {
        "arn": item["LoadBalancerArn"],
        "state": item["State"]["Code"],
        "scheme": item["Scheme"],
        "dns_name": item["DNSName"],
        "url": f"http://{item['DNSName']}",
        "subnets": look.names(zone["SubnetId"] for zone in item["AvailabilityZones"]),
        "security_groups": look.names(item.get("SecurityGroups", [])),
        "listeners": listeners,
        "deletion_protection": attributes.get("deletion_protection.enabled") == "true",
    }


def _target_group(item: dict[str, Any], targets: dict[str, str], attributes: dict[str, str]) -> dict[str, Any]:
    return {
        "arn": item["TargetGroupArn"],
        "port": item["Port"],
        "health_path": item.get("HealthCheckPath", ""),
        "health_interval": item["HealthCheckIntervalSeconds"],
        "health_timeout": item["HealthCheckTimeoutSeconds"],
        "healthy_count": item["HealthyThresholdCount"],
        "unhealthy_count": item["UnhealthyThresholdCount"],
        "drain_seconds": attributes.get("deregistration_delay.timeout_seconds", ""),
        "targets": targets,
    }


def database(look: Look) -> dict[str, Any]:
    """The database instance, its subnet group and its parameter group."""
    name = f"{look.prefix}-database"
    instances, subnet_groups, parameters = side_by_side(
        partial(look.pages, "rds", "describe_db_instances", "DBInstances", DBInstanceIdentifier=name),
        partial(look.pages, "rds", "describe_db_subnet_groups", "DBSubnetGroups", DBSubnetGroupName=name),
        partial(_parameter_groups, look),
    )
    groups = {
        look.short(item["DBSubnetGroupName"]): {"subnets": look.names(s["SubnetIdentifier"] for s in item["Subnets"])}
        for item in subnet_groups
    }
    return {
        "database": _database(look, instances[0]) if instances and look.own(name, tags(instances[0])) else {},
        "database_subnet_groups": groups,
        "database_parameter_groups": parameters,
    }


def _parameter_groups(look: Look) -> Resources:
    """Parameter groups with the values that are in force in them, set by whomever."""
    groups = look.pages("rds", "describe_db_parameter_groups", "DBParameterGroups")
    return {
        look.short(item["DBParameterGroupName"]): {
            "family": item["DBParameterGroupFamily"],
            "values": _parameter_values(look, item["DBParameterGroupName"]),
        }
        for item in groups
        if re.fullmatch(rf"{re.escape(look.prefix)}-postgres[0-9]+", item["DBParameterGroupName"])
    }


def _parameter_values(look: Look, group: str) -> dict[str, str]:
    items = look.pages("rds", "describe_db_parameters", "Parameters", DBParameterGroupName=group)
    return {item["ParameterName"]: item["ParameterValue"] for item in items if item.get("ParameterValue") is not None}


def _database(look: Look, item: dict[str, Any]) -> dict[str, Any]:
    """endpoint and port are empty while the database is being created."""
    endpoint = item.get("Endpoint", {})
    return {
        "id": item["DBInstanceIdentifier"],
        "state": item["DBInstanceStatus"],
        "class": item["DBInstanceClass"],
        "storage": item["AllocatedStorage"],
        "engine_version": item["EngineVersion"],
        "endpoint": endpoint.get("Address", ""),
        "port": endpoint.get("Port", 0),
        "name": item.get("DBName", ""),
        "master_username": item["MasterUsername"],
        "subnet_group": look.short(item["DBSubnetGroup"]["DBSubnetGroupName"]),
        "parameter_group": look.short(item["DBParameterGroups"][0]["DBParameterGroupName"]),
        "parameters": item["DBParameterGroups"][0]["ParameterApplyStatus"],
        "security_groups": look.names(group["VpcSecurityGroupId"] for group in item["VpcSecurityGroups"]),
        "backup_days": item["BackupRetentionPeriod"],
        "deletion_protection": item["DeletionProtection"],
        "encrypted": item["StorageEncrypted"],
        "public": item["PubliclyAccessible"],
    }


def parameters(look: Look) -> dict[str, int]:
    """SSM parameters of the environment: name below its path -> version. No value is read."""
    path = (
        f"/{look.project}/{look.env_name}/"  # both are whole names: shorter, it would be that of other environments too
    )
    items = look.pages(
        "ssm",
        "describe_parameters",
        "Parameters",
        ParameterFilters=[{"Key": "Path", "Option": "Recursive", "Values": [path.rstrip("/")]}],
    )
    return {item["Name"].removeprefix(path): item["Version"] for item in items if item["Name"].startswith(path)}
