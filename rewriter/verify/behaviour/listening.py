"""The TCP ports that a program listens on, read from the kernel's tables.

Their format is described in https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import Final, NamedTuple

TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
"""The files in which a kernel lists the TCP sockets of a network namespace."""

EVERYWHERE: Final = "every address"
INSIDE: Final = "only inside the container"
OUTSIDE: Final = "the container's own address"

FIRST_TEMPORARY_PORT: Final = 32768
"""Where the ports begin that a kernel gives to those who ask for any: net.ipv4.ip_local_port_range."""

# Sockets are numbered; `0A` is the state LISTEN.
_LISTENING: Final = re.compile(r"\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A ")

# The name server that an engine puts into the containers of a network that a user made.
_NAME_SERVER: Final = "127.0.0.11"


class Listener(NamedTuple):
    """A port and the address at which it is open."""

    port: int
    address: str

    @property
    def reach(self) -> str:
        """Who can reach the port: in words, because the addresses of two containers are not the same."""
        address = ip_address(self.address)
        if address.is_unspecified:
            return EVERYWHERE
        return INSIDE if address.is_loopback else OUTSIDE

    @property
    def host(self) -> str:
        """The address to ask from inside the container."""
        if self.reach is EVERYWHERE:
            return "127.0.0.1"
        return self.address


def listeners(table: str) -> frozenset[Listener]:
    """The listening sockets in the text of TABLES, as machines write it that put the low byte first."""
    found = (_LISTENING.match(line) for line in table.split("\n"))
    everyone = (Listener(int(line[2], 16), _address(line[1])) for line in found if line)
    return frozenset(one for one in everyone if one.address != _NAME_SERVER)


def reaches(found: Iterable[Listener]) -> dict[int, str]:
    """For each port, who can reach it: the widest of its addresses."""
    order = (INSIDE, OUTSIDE, EVERYWHERE)
    widest: dict[int, str] = {}
    for one in sorted(found, key=lambda it: order.index(it.reach)):
        widest[one.port] = one.reach
    return dict(sorted(widest.items()))


def _address(digits: str) -> str:
    data = bytes.fromhex(digits)
    # Each group of four bytes is a number of its own.
    address = ip_address(b"".join(data[start : start + 4][::-1] for start in range(0, len(data), 4)))
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(inner or address)
