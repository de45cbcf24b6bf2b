"""From which block of addresses a request comes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microblog.security.limits.addresses import Blocks, find_blocks


@pytest.mark.parametrize(
    ("address", "blocks"),
    [
        ("192.0.2.7", Blocks("192.0.2.7")),
        ("::ffff:192.0.2.7", Blocks("192.0.2.7")),
        ("2001:db8:1:2:3:4:5:6", Blocks("2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("fe80::1%eth0", Blocks("fe80::/64", "fe80::/48")),
        ("::1", Blocks("::/64", "::/48")),
        ("localhost", None),  # what waitress says of a Unix socket
        ("", None),
        (None, None),
        ("unknown", None),
        ("192.0.2.7:80", None),
    ],
)
def test_an_address_is_one_of_ipv4_or_a_block_of_ipv6(address, blocks):
    assert find_blocks(address) == blocks


@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_an_address_of_ipv4_is_the_same_however_it_is_mapped(address: IPv4Address):
    assert find_blocks(f"::ffff:{address}") == find_blocks(str(address)) == Blocks(str(address))


@settings(deadline=None)
@given(st.ip_addresses(v=6), st.ip_addresses(v=6))
def test_two_addresses_of_ipv6_are_one_when_their_first_64_bits_are(one: IPv6Address, other: IPv6Address):
    if one.ipv4_mapped is None and other.ipv4_mapped is None:
        first, second = find_blocks(str(one)), find_blocks(str(other))
        assert first is not None
        assert second is not None
        assert (first.narrow == second.narrow) == (int(one) >> 64 == int(other) >> 64)
        assert (first.wide == second.wide) == (int(one) >> 80 == int(other) >> 80)


@settings(deadline=None)
@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_whatever_is_in_a_64_is_one_address(address: IPv6Address, rest: int):
    if address.ipv4_mapped is None:
        neighbour = IPv6Address(int(address) >> 64 << 64 | rest)
        blocks = find_blocks(str(address))
        assert blocks is not None
        if neighbour.ipv4_mapped is None:
            assert find_blocks(str(neighbour)) == blocks
        assert IPv6Network(blocks.narrow).subnet_of(IPv6Network(str(blocks.wide)))


@settings(deadline=None)
@given(st.text())
def test_no_text_is_an_error(text):
    find_blocks(text)
