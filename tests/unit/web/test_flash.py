"""Messages for the next page, in a signed cookie."""

from __future__ import annotations

import pytest
from itsdangerous import URLSafeSerializer
from pyramid.request import apply_request_extensions
from pyramid.response import Response

from microblog.request import Request
from microblog.web.flash import (
    MOST_CHARACTERS,
    MOST_MESSAGES,
    Message,
    flash,
    pop_flash_messages,
    read_messages,
)
from tests.conftest import TEST_SECRET

LARGEST_COOKIE = 4093


@pytest.fixture
def new_request(application):
    def make(cookie=None):
        headers = {} if cookie is None else {"Cookie": f"flash={cookie}"}
        request = Request.blank("/", headers=headers)
        request.registry = application.registry
        apply_request_extensions(request)
        return request

    return make


def cookie_after(request):
    """The cookie that the answer to a request sets, or None."""
    response = Response()
    request._process_response_callbacks(response)
    lines = response.headers.getall("Set-Cookie")
    return lines[-1].partition("=")[2].partition(";")[0] if lines else None


def test_the_next_request_reads_the_message(new_request):
    request = new_request()
    flash(request, "Saved.")
    request.flash("Not saved.", "error")
    messages = read_messages(new_request(cookie_after(request)))
    assert messages == [Message("success", "Saved."), Message("error", "Not saved.")]


def test_a_message_that_was_shown_is_gone(new_request):
    request = new_request()
    flash(request, "Saved.")
    reading = new_request(cookie_after(request))
    assert pop_flash_messages(reading) == [Message("success", "Saved.")]
    assert cookie_after(reading) == ""


def test_a_page_that_says_something_itself_keeps_it_for_the_next(new_request):
    request = new_request()
    flash(request, "First.")
    reading = new_request(cookie_after(request))
    pop_flash_messages(reading)
    flash(reading, "Second.")
    assert [message.text for message in read_messages(new_request(cookie_after(reading)))] == [
        "First.",
        "Second.",
    ]


def test_a_redirect_without_a_page_between_loses_nothing(new_request):
    request = new_request()
    flash(request, "First.")
    again = new_request(cookie_after(request))
    flash(again, "Second.")
    assert [message.text for message in read_messages(new_request(cookie_after(again)))] == [
        "First.",
        "Second.",
    ]


def test_a_request_without_messages_sets_no_cookie(new_request):
    request = new_request()
    assert pop_flash_messages(request) == []
    assert cookie_after(request) is None


@pytest.mark.parametrize(
    "cookie",
    [
        "nonsense",
        "W10.nonsense",
        "\udcff",
        URLSafeSerializer("another secret", salt="flash").dumps([["success", "Forged."]]),
        URLSafeSerializer(TEST_SECRET, salt="another purpose").dumps([["success", "Forged."]]),
    ],
)
def test_a_forged_cookie_says_nothing(new_request, cookie):
    request = new_request("x")
    request.environ["HTTP_COOKIE"] = "flash=" + cookie.encode("utf-8", "surrogateescape").decode("latin-1")
    assert read_messages(request) == []


def test_the_newest_messages_fit_in_a_cookie(new_request):
    request = new_request()
    for number in range(MOST_MESSAGES + 3):
        flash(request, f"{number}" + "x" * 2 * MOST_CHARACTERS)
    cookie = cookie_after(request)
    assert len(cookie) < LARGEST_COOKIE
    messages = read_messages(new_request(cookie))
    assert [message.text[0] for message in messages] == ["3", "4", "5", "6", "7"]
    assert all(len(message.text) == MOST_CHARACTERS for message in messages)
