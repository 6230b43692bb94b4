"""A name server that knows one name: every question for an IPv4 address gets the same answer."""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys

TYPE_A = 1


def answer(question: bytes, address: bytes) -> bytes:
    """The answer to a query packet with one question: the address, or nothing for any other type."""
    end = question.index(0, 12) + 5
    kind = struct.unpack(">H", question[end - 4 : end - 2])[0]
    record = b"\xc0\x0c" + struct.pack(">HHIH", TYPE_A, 1, 0, 4) + address if kind == TYPE_A else b""
    header = question[:2] + struct.pack(">HHHHH", 0x8580, 1, 1 if record else 0, 0, 0)
    return header + question[12:end] + record


def main(listen: str, address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((listen, 53))
        print("ready", flush=True)
        while True:
            question, asker = server.recvfrom(512)
            server.sendto(answer(question, ipaddress.IPv4Address(address).packed), asker)


if __name__ == "__main__":
    main(*sys.argv[1:])
