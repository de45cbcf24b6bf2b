"""What people recognize a browser by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog.accounts.browsers import describe_browser, make_origin, shorten_address
from microblog.accounts.models import ADDRESS_CHARACTERS, BROWSER_CHARACTERS

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"{WEBKIT} Chrome/142.0.0.0"


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36",
            "Chrome on Windows",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/142.0.0.0",
            "Edge on Windows",
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36",
            "Chrome on ChromeOS",
        ),
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/142.0.0.0 Safari/537.36",
            "Chrome on Linux",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 16; K) {CHROME} Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 16; K) {WEBKIT} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile",
            "Samsung Internet on Android",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/26.1 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "CriOS/142.0.0.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        ("w3m/0.5.3+git20230121", "w3m on an unknown system"),
        ("Something new (Windows NT 12.0)", "Unknown browser on Windows"),
        ("Something new", "Unknown browser"),
        ("", "Unknown browser"),
        (None, "Unknown browser"),
    ],
)
def test_a_browser_has_the_name_by_which_people_know_it(user_agent, expected):
    assert describe_browser(user_agent) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:aaaa:bbbb:cccc::1", "2001:db8:aaaa::/48"),
        ("unix:", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_is_shortened_to_its_network(address, expected):
    assert shorten_address(address) == expected


@given(st.text(max_size=400))
def test_whatever_a_browser_says_of_itself_fits_its_column_on_one_line(text):
    origin = make_origin(text, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")
    assert len(origin.browser or "") <= BROWSER_CHARACTERS
    assert len(origin.address or "") <= ADDRESS_CHARACTERS
    assert (origin.browser or "").isprintable()
    assert describe_browser(origin.browser)
