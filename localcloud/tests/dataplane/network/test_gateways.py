"""Route tables, internet and NAT gateways, public addresses, several VPCs: by packets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab import LOCAL, NAT, NAT_PUBLIC, Lab, device_names, standard_vpc
from localcloud.contract.topology import Interface, NatGateway, Route, Subnet, Vpc
from localcloud.dataplane.network import vpc as vpc_module
from localcloud.machine import namespaces

pytestmark = pytest.mark.cloud

SHOP = "198.18.0.20"  # the internet's visitor address: a server there returns the client's address


def with_routes(vpc: Vpc, subnet_index: int, *routes: Route) -> Vpc:
    subnets = list(vpc.subnets)
    subnets[subnet_index] = replace(subnets[subnet_index], routes=routes)
    return replace(vpc, subnets=tuple(subnets))


@pytest.fixture
def shop(vpc: Lab) -> Lab:
    """The standard VPC, and a server in the internet on port 8000 that returns the client's address."""
    listener = namespaces.listen(vpc.internet, SHOP, 8000)
    vpc.serve_in_internet(listener)
    return vpc


def test_a_public_address_answers_and_is_the_hosts_own_on_the_way_out(shop: Lab) -> None:
    assert shop.ask_from_internet("198.18.128.10", 80) == "web1 198.18.0.10"
    assert shop.ask("web1", SHOP, 8000) == "internet 198.18.128.10"


def test_without_a_public_address_there_is_no_way_in_or_out(shop: Lab) -> None:
    assert shop.drops("web2", SHOP, 8000)
    interfaces = tuple(replace(interface, public_address=None) for interface in shop.vpc.interfaces)
    without = replace(shop.vpc, interfaces=interfaces)
    shop.apply(without)
    assert shop.drops("web1", SHOP, 8000)
    assert shop.ask_from_internet("198.18.128.10", 80).startswith("unreachable")


def test_a_nat_gateway_is_one_way(shop: Lab) -> None:
    assert shop.ask("app1", SHOP, 8000) == f"internet {NAT_PUBLIC}"
    assert shop.drops_from_internet(NAT_PUBLIC, 5001)


def test_a_deleted_route_closes_the_way_out(shop: Lab) -> None:
    shop.apply(with_routes(shop.vpc, 1, LOCAL))
    assert shop.drops("app1", SHOP, 8000)
    shop.apply(with_routes(shop.vpc, 1, LOCAL, Route("0.0.0.0/0", "blackhole")))
    assert shop.drops("app1", SHOP, 8000)
    shop.apply(with_routes(shop.vpc, 1, LOCAL, Route("0.0.0.0/0", NAT)))
    assert shop.ask("app1", SHOP, 8000) == f"internet {NAT_PUBLIC}"


def test_a_nat_gateway_needs_its_own_subnets_way_out(shop: Lab) -> None:
    shop.apply(with_routes(shop.vpc, 0, LOCAL))
    assert shop.drops("app1", SHOP, 8000)


def test_each_zone_can_have_its_own_nat_gateway(shop: Lab) -> None:
    vpc = shop.vpc
    second = NatGateway("nat-0000000000000002", vpc.subnets[0].id, "10.0.1.201", "198.18.128.98")
    subnet = Subnet("subnet-00000000000000b2", "10.0.12.0/24", "us-east-1b", (LOCAL, Route("0.0.0.0/0", second.id)))
    app3 = Interface("eni-app3", subnet.id, "10.0.12.10", ("sg-app",))
    both = replace(vpc, subnets=(*vpc.subnets, subnet), nat_gateways=(*vpc.nat_gateways, second))
    shop.apply(replace(both, interfaces=(*vpc.interfaces, app3)))
    shop.plug(shop.vpc, 80)
    assert shop.ask("app1", SHOP, 8000) == f"internet {NAT_PUBLIC}"
    assert shop.ask("app3", SHOP, 8000) == "internet 198.18.128.98"
    shop.apply(replace(shop.vpc, nat_gateways=(second,)))
    assert shop.drops("app1", SHOP, 8000)
    assert shop.ask("app3", SHOP, 8000) == "internet 198.18.128.98"


def test_a_narrow_route_wins_over_a_wide_one(shop: Lab) -> None:
    shop.apply(with_routes(shop.vpc, 1, LOCAL, Route("0.0.0.0/0", NAT), Route("198.18.0.0/24", "blackhole")))
    assert shop.drops("app1", SHOP, 8000)


def test_an_isolated_subnet_has_no_way_out(shop: Lab) -> None:
    assert shop.drops("db1", SHOP, 8000)
    groups = tuple(replace(group, rules=(*group.rules, *shop.vpc.groups[0].rules)) for group in shop.vpc.groups)
    shop.apply(replace(shop.vpc, groups=groups))
    assert shop.drops("db1", SHOP, 8000), "not for lack of an egress rule"
    shop.apply(with_routes(shop.vpc, 2, LOCAL, Route("0.0.0.0/0", NAT)))
    assert shop.ask("db1", SHOP, 8000) == f"internet {NAT_PUBLIC}"


def test_an_attacker_who_knows_the_way_to_private_addresses_gets_nothing(vpc: Lab) -> None:
    """The twin: without the filter at the internet gateway, the same packets get in."""
    link = next(device for device in device_names(vpc.internet) if device.startswith("v-"))
    route = ("ip", "route", "add", "10.0.1.0/24", "via", "198.19.0.2", "dev", link, "onlink")
    namespaces.run_in(vpc.internet, *route)
    assert vpc.drops_from_internet("10.0.1.10", 80)
    namespace = vpc.settings.vpc_namespace(vpc.vpc.id)
    namespaces.run_in(namespace, "nft", "flush", "chain", "ip", "gateway", "forward")
    assert vpc.ask_from_internet("10.0.1.10", 80) == "web1 198.19.0.1"


def test_detaching_the_internet_gateway_cuts_the_vpc_off(vpc: Lab) -> None:
    before = vpc.vpc
    vpc.apply(replace(before, internet_gateway_id=None))
    assert vpc.ask_from_internet("198.18.128.10", 80).startswith("unreachable")
    assert vpc.ask("web1", "10.0.11.10", 5001) == "app1 10.0.1.10"
    vpc.apply(before)
    assert vpc.ask_from_internet("198.18.128.10", 80) == "web1 198.18.0.10"


def test_two_vpcs_with_the_same_ranges_do_not_see_each_other(vpc: Lab) -> None:
    second = replace(
        vpc.vpc,
        id="vpc-0000000000000002",
        internet_gateway_id="igw-0000000000000002",
        subnets=(
            replace(
                vpc.vpc.subnets[0],
                id="subnet-00000000000000a2",
                routes=(LOCAL, Route("0.0.0.0/0", "igw-0000000000000002")),
            ),
        ),
        interfaces=(Interface("eni-other", "subnet-00000000000000a2", "10.0.1.10", ("sg-web",), "198.18.128.20"),),
        nat_gateways=(),
    )
    vpc.apply(vpc.vpc, second)
    vpc.plug(second, 80)
    assert vpc.ask_from_internet("198.18.128.10", 80) == "web1 198.18.0.10"
    assert vpc.ask_from_internet("198.18.128.20", 80) == "other 198.18.0.10"
    assert vpc.drops("other", "10.0.11.10", 5001)
    assert vpc.ask("other", "198.18.128.10", 80) == "web1 198.18.128.20", "by the internet they do"
    vpc.apply(vpc.vpc)
    assert vpc.ask_from_internet("198.18.128.10", 80) == "web1 198.18.0.10"
    assert vpc.ask_from_internet("198.18.128.20", 80).startswith("unreachable")


def test_a_public_address_is_reached_from_its_own_vpc_by_the_internet(vpc: Lab) -> None:
    assert vpc.ask("app1", "198.18.128.10", 80) == f"web1 {NAT_PUBLIC}"


def test_a_public_address_can_move_to_another_host(vpc: Lab) -> None:
    moved = {"eni-web1": None, "eni-web2": "198.18.128.10"}
    interfaces = tuple(
        replace(interface, public_address=moved.get(interface.id, interface.public_address))
        for interface in vpc.vpc.interfaces
    )
    vpc.apply(replace(vpc.vpc, interfaces=interfaces))
    assert vpc.ask_from_internet("198.18.128.10", 80) == "web2 198.18.0.10"


def test_a_subnet_that_goes_takes_nothing_else_with_it(vpc: Lab) -> None:
    before = vpc.vpc
    kept = tuple(interface for interface in before.interfaces if interface.subnet_id != before.subnets[2].id)
    vpc.apply(replace(before, subnets=before.subnets[:2], interfaces=kept))
    assert vpc.drops("app1", "10.0.21.10", 5432)
    assert vpc.ask("web1", "10.0.11.10", 5001) == "app1 10.0.1.10"
    vpc.apply(before)
    vpc.network.attach(before.id, before.interfaces[4], vpc.hosts["db1"].pid)
    assert vpc.ask("app1", "10.0.21.10", 5432) == "db1 10.0.11.10"


def test_a_subnet_that_was_left_half_made_is_made_at_the_next_attempt(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = vpc_module.ip_batch

    def breaks_off(namespace: str | int, lines: list[str], force: bool = False) -> None:
        """Create only the bridge, as if the machine had been too slow."""
        whole(namespace, lines[:1] if lines and "type bridge" in lines[0] else lines, force)
        if lines and "type bridge" in lines[0]:
            raise namespaces.CommandError("timed out after 30 s")

    monkeypatch.setattr(vpc_module, "ip_batch", breaks_off)
    lab.apply(standard_vpc())
    assert lab.reality.failure(lab.vpc.id) == "timed out after 30 s"
    monkeypatch.setattr(vpc_module, "ip_batch", whole)
    lab.apply(lab.vpc)
    assert lab.reality.ready(lab.vpc.id)
    lab.plug(lab.vpc, 80, 5001)
    assert lab.ask("web1", "10.0.11.10", 5001) == "app1 10.0.1.10"


def test_attaching_again_changes_nothing_and_a_stale_end_is_replaced(vpc: Lab) -> None:
    interface = vpc.vpc.interfaces[0]
    before = vpc.hosts["web1"].run("ip", "-o", "link", "show", "eth0")
    vpc.network.attach(vpc.vpc.id, interface, vpc.hosts["web1"].pid)
    assert vpc.hosts["web1"].run("ip", "-o", "link", "show", "eth0") == before
    vpc.hosts.pop("web1").close()
    vpc.plug(vpc.vpc, 80)
    assert vpc.ask_from_internet("198.18.128.10", 80) == "web1 198.18.0.10"


def test_a_vpc_without_security_groups_yet_is_closed(lab: Lab) -> None:
    lab.firewall.reconcile = lambda topology: None  # type: ignore[method-assign]
    lab.apply(standard_vpc())
    lab.plug(lab.vpc, 80, 5001)
    assert lab.drops("web1", "10.0.11.10", 5001)
    assert lab.drops_from_internet("198.18.128.10", 80)


def test_an_address_that_is_given_to_another_host_leads_there_at_once(vpc: Lab) -> None:
    """Without an announcement, neighbours and the router keep the old host's MAC for up to 45 seconds."""
    old, before = vpc.vpc.interfaces[1], vpc.vpc
    for asker in ("web1", "app1"):
        assert vpc.ask(asker, old.address, 80).startswith("web2 ")
    vpc.hosts["web2"].close()
    vpc.network.detach(old.id)
    new = replace(old, id="eni-new")
    others = [interface for interface in before.interfaces if interface is not old]
    vpc.apply(replace(before, interfaces=(*others, new)))
    vpc.plug(vpc.vpc, 80)
    for asker in ("web1", "app1"):
        assert vpc.ask(asker, old.address, 80).startswith("new ")
