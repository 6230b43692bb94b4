"""Hosts get the machine's capabilities, except those that would affect the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.dataplane.instances import machine_limits

WITHHELD = {"SYS_MODULE", "SYS_RAWIO", "SYS_TIME", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "MAC_OVERRIDE", "MAC_ADMIN"}


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    machine_limits.granted_capabilities.cache_clear()
    yield
    machine_limits.granted_capabilities.cache_clear()


@pytest.mark.parametrize(
    ("bounding", "lacking"),
    [
        ("000001ffffffffff", set()),
        ("000001fffeffffff", {"SYS_RESOURCE"}),
        ("0000003fffffffff", set()),
        ("0000000000000000", set(machine_limits.CAPABILITIES.split())),
    ],
    ids=["a machine", "one without CAP_SYS_RESOURCE", "an older kernel", "nothing"],
)
def test_no_capability_is_named_that_the_machine_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bounding: str, lacking: set[str]
) -> None:
    (tmp_path / "status").write_text(f"CapPrm:\t0000000000000000\nCapBnd:\t{bounding}\n")
    monkeypatch.setattr(machine_limits, "STATUS", tmp_path / "status")
    assert set(machine_limits.granted_capabilities()) == set(machine_limits.CAPABILITIES.split()) - WITHHELD - lacking
