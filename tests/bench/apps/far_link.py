"""A network link with a delay between two network namespaces: two TUN devices and this process between them.

The kernel's own delay (tc netem) is not in every kernel. Root only.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import select
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x0001 | 0x1000
NAME = "far0"


def open_end(process: int, address: str) -> int:
    """Make a TUN device with this address (a /30) in the network namespace of a process; returns its descriptor."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/proc/{process}/ns/net", os.O_RDONLY)
    try:
        os.setns(there, os.CLONE_NEWNET)
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", NAME.encode(), IFF_TUN_NO_PI))
        subprocess.run(["ip", "address", "add", f"{address}/30", "dev", NAME], check=True)
        subprocess.run(["ip", "link", "set", NAME, "up"], check=True)
    finally:
        os.setns(home, os.CLONE_NEWNET)
        os.close(home)
        os.close(there)
    return tun


def carry(ends: tuple[int, int], delay: float) -> None:
    """Carry packets between both ends, each so many seconds late, until the process is ended."""
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    due: list[tuple[float, int, int, bytes]] = []
    number = 0
    while True:
        wait = max(0.0, due[0][0] - time.monotonic()) if due else None
        for end in select.select(ends, [], [], wait)[0]:
            number += 1
            heapq.heappush(due, (time.monotonic() + delay, number, other[end], os.read(end, 65536)))
        while due and due[0][0] <= time.monotonic():
            _, _, end, packet = heapq.heappop(due)
            os.write(end, packet)


def main(arguments: list[str]) -> None:
    """Arguments: process and address of each end, and the delay of one way in milliseconds."""
    first, first_address, second, second_address, delay = arguments
    ends = (open_end(int(first), first_address), open_end(int(second), second_address))
    print("ready", flush=True)
    carry(ends, float(delay) / 1000)


if __name__ == "__main__":
    main(sys.argv[1:])
