"""Access to package mirrors, by packets that are stopped at the machine's edge."""

from __future__ import annotations

import pytest

from lab import SILENCE, Lab, ask
from localcloud.contract.topology import Topology
from localcloud.dataplane.network import packages
from localcloud.dataplane.network.packages import Packages
from localcloud.machine import namespaces
from localcloud.machine.namespaces import run

pytestmark = pytest.mark.cloud

MIRROR, OLD_MIRROR, OTHER = "192.0.2.77", "192.0.2.78", "192.0.2.79"


@pytest.fixture
def mirrors(lab: Lab) -> Packages:
    """Mirrors, and a rule on the machine that stops the packets that the guard lets through."""
    made = Packages(lab.network, hosts=())
    rules = f"""
    table inet {lab.settings.guard_table} {{
      counter passed {{ }}
      chain edge {{
        type filter hook forward priority -299; policy accept;
        iifname "{lab.settings.uplink_device}" counter name passed drop
      }}
    }}
    """
    namespaces.nft(None, rules)
    return made


def passed(lab: Lab) -> int:
    """The number of packets that the guard has let through."""
    return int(
        run("nft", "list", "counter", "inet", lab.settings.guard_table, "passed").split("packets ")[1].split()[0]
    )


def knock(lab: Lab, address: str, port: int) -> str:
    return ask(lab.internet, address, port, patience=SILENCE)


def test_only_mirrors_and_only_their_web_ports(lab: Lab, mirrors: Packages) -> None:
    mirrors.addresses = {"deb.example.org": (MIRROR,)}
    mirrors.reconcile(Topology())
    assert knock(lab, MIRROR, 80) == "dropped"
    assert passed(lab) >= 1, "as far as the machine's edge"
    before = passed(lab)
    assert knock(lab, MIRROR, 22).startswith("unreachable")
    assert knock(lab, OTHER, 80).startswith("unreachable")
    assert passed(lab) == before


def test_an_address_that_the_mirror_leaves_stays_open_for_who_still_reads_there(lab: Lab, mirrors: Packages) -> None:
    mirrors.addresses = {"deb.example.org": (OLD_MIRROR,)}
    mirrors.reconcile(Topology())
    mirrors.addresses = {"deb.example.org": (MIRROR,)}
    mirrors.reconcile(Topology())
    for address in (OLD_MIRROR, MIRROR):
        before = passed(lab)
        assert knock(lab, address, 443) == "dropped"
        assert passed(lab) > before


def test_a_mirror_with_a_private_address_is_not_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(None, None, None, "", (address, 80)) for address in ("10.1.2.3", MIRROR)]
    monkeypatch.setattr(packages.socket, "getaddrinfo", lambda *_: answers)
    assert packages._resolve("deb.example.org") == (MIRROR,)
