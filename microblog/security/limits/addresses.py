"""From which block of addresses a request comes: whoever has one address of it has all of them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

NARROW, WIDE = 64, 48  # bits of IPv6: what one connection gets, and what one customer may get


@dataclass(frozen=True, slots=True)
class Blocks:
    """`narrow` is what is counted as one address. `wide` is around it; IPv4 has none."""

    narrow: str
    wide: str | None = None


def find_blocks(address: str | None) -> Blocks | None:
    """None when the address is unknown: the request came by a Unix socket, and no proxy named it."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv4Address):
        return Blocks(str(parsed))
    if parsed.ipv4_mapped is not None:  # a socket for both families shows 192.0.2.1 as ::ffff:192.0.2.1
        return Blocks(str(parsed.ipv4_mapped))
    return Blocks(cut(parsed, NARROW), cut(parsed, WIDE))


def cut(address: ipaddress.IPv6Address, bits: int) -> str:
    # By its number: a zone (%eth0) belongs to no network.
    return str(ipaddress.IPv6Network((int(address), bits), strict=False))
