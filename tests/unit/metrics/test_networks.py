"""Addresses of those who may ask how the site is."""

from __future__ import annotations

from pathlib import Path

import pytest

from microblog.settings import Networks, networks, number, optional_path


def test_addresses_and_networks_are_shown_as_they_were_written():
    assert str(networks("127.0.0.1, 10.0.0.0/8 ::1")) == "127.0.0.1 10.0.0.0/8 ::1"


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "::1"])
def test_an_address_of_a_network_is_allowed(address):
    assert networks("127.0.0.1 10.0.0.0/8 ::1").allow(address)


@pytest.mark.parametrize("address", ["127.0.0.2", "11.0.0.1", "::2", "", "unix", "::ffff:127.0.0.2"])
def test_another_address_is_not(address):
    assert not networks("127.0.0.1 10.0.0.0/8 ::1").allow(address)


def test_without_networks_everybody_is_allowed():
    assert Networks().allow("192.0.2.1")
    assert Networks().allow("")


@pytest.mark.parametrize("value", ["localhost", "10.0.0.1/8", "300.0.0.1"])
def test_an_invalid_network_is_refused(value):
    with pytest.raises(ValueError, match="must be addresses or networks"):
        networks(value)


def test_no_path_is_none():
    assert optional_path("") is None
    assert optional_path("folder") == Path("folder")


@pytest.mark.parametrize("value", ["", "x", "nan", "-0.1", "10.1", "inf"])
def test_a_number_is_between_its_bounds(value):
    with pytest.raises(ValueError, match="must be a number from 0 to 10"):
        number(0, 10)(value)
    assert number(0, 10)("0.5") == 0.5
