"""What templates know: times, numbers, and one address for a page."""

from __future__ import annotations

from microblog.web.pages import compute_static_digest, format_number
from microblog.web.template_globals import add_globals


def test_a_template_without_a_request_knows_nothing_more():
    event = {"request": None, "value": 1}
    add_globals(event)
    assert event == {"request": None, "value": 1}


def test_large_numbers_are_grouped_as_the_language_does():
    assert [format_number(12345, locale) for locale in ("en", "de")] == ["12,345", "12.345"]


def test_the_address_of_static_files_is_the_same_as_long_as_they_are():
    assert compute_static_digest() == compute_static_digest()
    assert len(compute_static_digest()) == 12
