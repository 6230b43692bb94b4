"""The reader's topology, with its addresses, groups and names."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

from localcloud.api import Api
from localcloud.contract.topology import Interface, Topology, Vpc
from localcloud.settings import PUBLIC_ADDRESSES

from ..helpers import Clients, World, group, image, subnet


def vpc_of(topology: Topology, vpc_id: str) -> Vpc:
    return next(vpc for vpc in topology.vpcs if vpc.id == vpc_id)


def interface(api: Api, world: World, owner_id: str) -> Interface:
    interfaces = vpc_of(api.reader.read(), world.vpc).interfaces
    return next(interface for interface in interfaces if interface.owner_id == owner_id)


def test_every_interface_has_an_address_of_its_own_in_its_subnet(api: Api, world: World) -> None:
    for vpc in api.reader.read().vpcs:
        ranges = {subnet.id: IPv4Network(subnet.cidr) for subnet in vpc.subnets}
        taken = [interface.address for interface in vpc.interfaces]
        assert len(set(taken)) == len(taken)
        for interface in vpc.interfaces:
            number = int(IPv4Address(interface.address)) - int(ranges[interface.subnet_id].network_address)
            assert 4 <= number < ranges[interface.subnet_id].num_addresses - 1


def test_public_addresses_are_the_clouds_own_and_unique(api: Api, world: World) -> None:
    interfaces = [interface for vpc in api.reader.read().vpcs for interface in vpc.interfaces]
    public = [interface.public_address for interface in interfaces if interface.public_address]
    assert len(set(public)) == len(public) >= 2  # the load balancer's nodes
    assert all(IPv4Address(address) in PUBLIC_ADDRESSES for address in public)


def test_load_balancers_and_databases_have_interfaces(api: Api, world: World) -> None:
    topology = api.reader.read()
    balancer = next(balancer for balancer in topology.load_balancers if balancer.arn == world.balancer)
    assert balancer.internet_facing
    assert balancer.dns_name.startswith("world-")
    own = [interface for interface in vpc_of(topology, world.vpc).interfaces if interface.owner_id == world.balancer]
    assert {interface.id for interface in own} == set(balancer.interface_ids)
    assert {interface.subnet_id for interface in own} == {world.a, world.b}
    database = next(database for database in topology.databases if database.id.endswith(":db:world"))
    assert interface(api, world, database.id).id == database.interface_id
    assert interface(api, world, database.id).group_ids == (world.group,)


def test_attributes_of_a_load_balancer_that_are_made_real(api: Api, world: World) -> None:
    def read() -> tuple[bool, int]:
        found = next(balancer for balancer in api.reader.read().load_balancers if balancer.arn == world.balancer)
        return found.drops_invalid_headers, found.idle_timeout

    for drops, seconds in ((True, 30), (False, 60)):
        wanted = {
            "routing.http.drop_invalid_header_fields.enabled": str(drops).lower(),
            "idle_timeout.timeout_seconds": str(seconds),
        }
        attributes = [{"Key": key, "Value": value} for key, value in wanted.items()]
        world.elbv2.modify_load_balancer_attributes(LoadBalancerArn=world.balancer, Attributes=attributes)
        assert read() == (drops, seconds)


def test_an_internal_load_balancer_has_no_public_address(api: Api, world: World, name: str) -> None:
    made = world.elbv2.create_load_balancer(Name=name, Subnets=[world.a, world.b], Scheme="internal")["LoadBalancers"][
        0
    ]
    again = world.elbv2.create_load_balancer(Name=name, Subnets=[world.a, world.b], Scheme="internal")["LoadBalancers"][
        0
    ]
    assert made["LoadBalancerArn"] == again["LoadBalancerArn"]
    assert made["DNSName"].startswith(f"internal-{name}-")
    assert interface(api, world, made["LoadBalancerArn"]).public_address is None
    world.elbv2.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])


def test_a_group_taken_away_is_gone(api: Api, world: World, name: str) -> None:
    other = group(world.ec2, world.vpc, name)
    instance = world.run(SecurityGroupIds=[world.group, other])
    assert set(interface(api, world, instance).group_ids) == {world.group, other}
    world.ec2.modify_instance_attribute(InstanceId=instance, Groups=[other])
    assert interface(api, world, instance).group_ids == (other,)
    found = world.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert [group["GroupId"] for group in found["SecurityGroups"]] == [other]
    world.ec2.terminate_instances(InstanceIds=[instance])


def test_an_elastic_address_moves(api: Api, world: World) -> None:
    instances = [world.run(), world.run()]
    world.ec2.get_waiter("instance_running").wait(InstanceIds=instances)
    elastic = world.ec2.allocate_address(Domain="vpc")
    for instance in instances:
        world.ec2.associate_address(InstanceId=instance, AllocationId=elastic["AllocationId"], AllowReassociation=True)
    public = [interface(api, world, instance).public_address for instance in instances]
    assert public == [None, elastic["PublicIp"]]
    world.ec2.terminate_instances(InstanceIds=instances)
    world.ec2.release_address(AllocationId=elastic["AllocationId"])


def test_routes_follow_the_subnets_table(api: Api, world: World) -> None:
    own = subnet(world.ec2, world.vpc, "10.9.70.0/24", "us-east-1a")
    table = world.ec2.create_route_table(VpcId=world.vpc)["RouteTable"]["RouteTableId"]
    gateway = vpc_of(api.reader.read(), world.vpc).internet_gateway_id
    world.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)

    def routes() -> dict[str, str]:
        vpc = vpc_of(api.reader.read(), world.vpc)
        return {route.cidr: route.target for subnet in vpc.subnets if subnet.id == own for route in subnet.routes}

    assert routes() == {"10.9.0.0/16": "local"}
    world.ec2.associate_route_table(RouteTableId=table, SubnetId=own)
    assert routes() == {"10.9.0.0/16": "local", "0.0.0.0/0": gateway}
    world.ec2.delete_subnet(SubnetId=own)
    world.ec2.delete_route_table(RouteTableId=table)


def test_an_instance_is_described_whole(api: Api, world: World, name: str) -> None:
    key = world.ec2.create_key_pair(KeyName=name, KeyType="ed25519")
    assert key["KeyMaterial"].startswith("-----BEGIN")
    params: dict[str, Any] = {
        "KeyName": name,
        "UserData": "#!/bin/sh\necho",
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "InstanceMetadataTags": "enabled"},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}],
    }
    instance = world.run(**params)
    world.ec2.delete_key_pair(KeyName=name)
    found = next(candidate for candidate in api.reader.read().instances if candidate.id == instance)
    assert found.public_key is not None
    assert found.public_key.startswith("ssh-ed25519 ")
    assert found.user_data == b"#!/bin/sh\necho"
    assert (found.metadata.tokens, found.metadata.hop_limit, found.metadata.tags) == ("required", 2, True)
    assert found.tags == (("Name", name),)
    assert (found.memory_mib, found.zone, found.wanted) == (1024, "us-east-1a", "running")
    world.ec2.terminate_instances(InstanceIds=[instance])


def test_one_instance_on_two_ports_is_two_targets(api: Api, world: World, name: str) -> None:
    arn = world.target_group(name)
    targets = [{"Id": world.instance, "Port": port} for port in (5000, 5001)]
    world.elbv2.register_targets(TargetGroupArn=arn, Targets=targets)
    found = next(group for group in api.reader.read().target_groups if group.arn == arn)
    assert [(target.id, target.port) for target in found.targets] == [(world.instance, 5000), (world.instance, 5001)]
    world.elbv2.deregister_targets(TargetGroupArn=arn, Targets=targets[:1])
    found = next(group for group in api.reader.read().target_groups if group.arn == arn)
    assert [(target.port, target.draining) for target in found.targets] == [(5001, False), (5000, True)]


def test_a_launch_without_a_subnet_goes_to_the_default_vpc(api: Api, clients: Clients) -> None:
    ec2 = clients.get("ec2", "us-west-2")
    params = {"ImageId": image(ec2), "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    made = ec2.run_instances(**params)["Instances"][0]
    default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    assert made["VpcId"] == default
    vpc = vpc_of(api.reader.read(), default)
    own = next(interface for interface in vpc.interfaces if interface.owner_id == made["InstanceId"])
    subnet_range = next(IPv4Network(subnet.cidr) for subnet in vpc.subnets if subnet.id == own.subnet_id)
    assert IPv4Address(own.address) in subnet_range
    assert own.public_address is not None
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])


def test_a_default_vpc_with_nothing_in_it_is_left_out(api: Api, world: World) -> None:
    default = world.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    assert default not in {vpc.id for vpc in api.reader.read().vpcs}


def test_volumes_are_the_images_and_the_wanted_ones_and_go_with_the_instance(world: World) -> None:
    data = {"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 4, "VolumeType": "gp3", "Encrypted": True}}
    instance = world.run(BlockDeviceMappings=[data])
    found = world.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert found["RootDeviceName"] == "/dev/xvda"
    volumes = {mapping["DeviceName"]: mapping["Ebs"]["VolumeId"] for mapping in found["BlockDeviceMappings"]}
    described = world.ec2.describe_volumes(VolumeIds=list(volumes.values()))["Volumes"]
    sizes = {volume["Attachments"][0]["Device"]: volume["Size"] for volume in described}
    assert sizes == {"/dev/xvda": 8, "/dev/xvdb": 4}
    world.ec2.terminate_instances(InstanceIds=[instance])
    left = world.ec2.describe_volumes(Filters=[{"Name": "volume-id", "Values": list(volumes.values())}])["Volumes"]
    assert left == []


def test_a_listener_does_what_it_was_last_told(api: Api, world: World) -> None:
    def rules() -> dict[int, tuple[str, int, tuple[str, ...]]]:
        balancer = next(balancer for balancer in api.reader.read().load_balancers if balancer.arn == world.balancer)
        listener = next(listener for listener in balancer.listeners if listener.port == 8100)
        return {rule.priority: (rule.action.kind, rule.action.status, rule.paths) for rule in listener.rules}

    arn = world.elbv2.create_listener(**world.listens(8100))["Listeners"][0]["ListenerArn"]
    assert rules() == {50001: ("forward", 0, ())}
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "MessageBody": "later"}}
    world.elbv2.modify_listener(ListenerArn=arn, DefaultActions=[answer])
    assert rules() == {50001: ("fixed-response", 503, ())}
    away = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Host": "example.org"}}
    condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/old/*", "/older/*"]}}
    rule = world.elbv2.create_rule(ListenerArn=arn, Priority=5, Conditions=[condition], Actions=[away])["Rules"][0]
    assert rules() == {5: ("redirect", 301, ("/old/*", "/older/*")), 50001: ("fixed-response", 503, ())}
    world.elbv2.modify_rule(RuleArn=rule["RuleArn"], Actions=[answer])
    world.elbv2.set_rule_priorities(RulePriorities=[{"RuleArn": rule["RuleArn"], "Priority": 6}])
    assert rules() == {6: ("fixed-response", 503, ("/old/*", "/older/*")), 50001: ("fixed-response", 503, ())}
    world.elbv2.delete_rule(RuleArn=rule["RuleArn"])
    world.elbv2.delete_listener(ListenerArn=arn)


def test_a_password_is_changed_at_once(api: Api, world: World) -> None:
    world.rds.modify_db_instance(DBInstanceIdentifier="world", MasterUserPassword="another-one-9")
    found = next(database for database in api.reader.read().databases if database.id.endswith(":db:world"))
    assert found.master_password == "another-one-9"
    assert "another-one-9" not in repr(found)
