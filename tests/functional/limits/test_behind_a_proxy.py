"""Which address counts behind a proxy: waitress' answer, set up as `production.ini` says."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path

import pytest
from waitress.proxy_headers import proxy_headers_middleware
from webtest import TestApp

from tests.functional.limits.conftest import ATTACKER, HOME, WRONG
from tests.walk import log_in

INI = Path(__file__).parents[3] / "production.ini"
PROXY = "127.0.0.1"


@pytest.fixture
def serve(site):
    """A browser for `serve(address, forwarded_for)`, through what waitress does with its headers."""
    ini = RawConfigParser()
    ini.read_string(INI.read_text(encoding="utf-8"))
    server = ini["server:main"]
    wsgi = proxy_headers_middleware(
        site.wsgi,
        trusted_proxy=server["trusted_proxy"],
        trusted_proxy_count=1,
        trusted_proxy_headers=set(server["trusted_proxy_headers"].split()),
        clear_untrusted=True,
    )

    def browser(address, forwarded_for=None):
        headers = {} if forwarded_for is None else {"HTTP_X_FORWARDED_FOR": forwarded_for}
        return TestApp(wsgi, extra_environ={"REMOTE_ADDR": address, **headers})

    return browser


def statuses(browser, number):
    return [log_in(browser, "susan", WRONG).status_int for _ in range(number)]


def test_behind_the_proxy_the_address_is_the_one_that_it_tells(serve):
    assert statuses(serve(PROXY, ATTACKER), 11) == [422] * 10 + [429]
    assert statuses(serve(PROXY, HOME), 1) == [422]
    assert statuses(serve(PROXY, "2001:db8::1"), 1) == [422]


def test_what_a_client_adds_to_the_header_of_the_proxy_is_ignored(serve):
    forged = [serve(PROXY, f"198.51.100.{number}, {ATTACKER}") for number in range(12)]
    assert [statuses(browser, 1) for browser in forged] == [[422]] * 10 + [[429]] * 2


def test_whoever_is_not_the_proxy_cannot_tell_an_address(serve):
    forged = [serve(ATTACKER, f"198.51.100.{number}") for number in range(12)]
    assert [statuses(browser, 1) for browser in forged] == [[422]] * 10 + [[429]] * 2
    assert statuses(serve(PROXY, ATTACKER), 1) == [429]
