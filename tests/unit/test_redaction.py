"""What a trace may say."""

from __future__ import annotations

import logging
from io import StringIO

import pytest
import sqlalchemy as sa

from microblog.accounts.queries import add_user
from microblog.formdata import MOST_CHARACTERS
from microblog.redaction import (
    LONGEST_SEARCHED,
    LONGEST_TRACE,
    RemoveDetails,
    format_trace,
    hide_passwords,
    mask_address,
    remove_details,
)
from tests.cost import MOST_SECONDS, cost_of

UNIQUE = "duplicate key value violates unique constraint"


def caught(function, *arguments):
    with pytest.raises(Exception) as error:  # noqa: PT011  # whatever it is
        function(*arguments)
    return error.value


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("no detail: of any kind\n", "no detail: of any kind\n"),
        (f"{UNIQUE}\nDETAIL:  Key (email)=(susan@example.com) exists.", f"{UNIQUE}\nDETAIL: (left out)\n"),
        (
            "x\nDETAIL:  Failing row contains (1, one line\nmore\n\nend).\n[SQL: SELECT 1]\n(Background on",
            "x\nDETAIL: (left out)\n[SQL: SELECT 1]\n(Background on",
        ),
        (
            "x\nDETAIL:  secret\nHINT:  also secret\nCONTEXT:  COPY users, line 1: secret\n\n"
            "The above exception was the direct cause\nDETAIL:  secret",
            "x\nDETAIL: (left out)\nThe above exception was the direct cause\nDETAIL: (left out)\n",
        ),
        (
            "x\nCONTEXT:  COPY users: secret\nDuring handling of the",
            "x\nCONTEXT: (left out)\nDuring handling of the",
        ),
    ],
)
def test_values_of_a_row_that_postgresql_repeats_are_left_out(text, left):
    assert remove_details(text) == left


def test_a_duplicate_row_is_not_in_the_message(database):
    if database.dialect != "postgresql":
        pytest.skip("Set MICROBLOG_TEST_DATABASE_URL, to see what PostgreSQL says of a row.")

    def add_again():
        with database.write() as session:
            add_user(session, "susan", email="susan@example.com")
            session.execute(sa.text("INSERT INTO users SELECT * FROM users"))

    error = caught(add_again)
    assert "DETAIL:  Key" in str(error)
    assert "DETAIL: (left out)" in format_trace(error)
    assert "Key (" not in format_trace(error)
    assert "[SQL: INSERT INTO users SELECT" in format_trace(error)


def test_a_typed_text_is_masked_in_the_repr_of_python_too():
    error = caught(int, "it's a\nsecret")
    assert "secret" in format_trace(error)
    assert "secret" not in format_trace(error, ("it's a\nsecret",))
    assert "invalid literal for int()" in format_trace(error, ("it's a\nsecret",))


def test_a_typed_text_is_masked_in_its_stored_form_too():
    error = caught(int, "susan@example.org")
    assert "example.org" not in format_trace(error, (" Susan@Example.ORG ", "a long post " * 10_000))


def test_a_filter_cleans_the_traces_that_handlers_write():
    written, second = StringIO(), StringIO()
    log = logging.getLogger("microblog.tests.cleaned")
    for stream in (written, second):
        handler = logging.StreamHandler(stream)
        handler.addFilter(RemoveDetails())
        log.addHandler(handler)
    private = "sec" + "ret"
    try:
        raise ValueError(f"x\nDETAIL:  {private}")
    except ValueError:
        log.exception("It failed.")
    log.warning("Without a trace.")
    log.handlers.clear()
    assert written.getvalue() == second.getvalue()
    assert "ValueError: x\nDETAIL: (left out)" in written.getvalue()
    assert private not in written.getvalue()
    assert "Without a trace." in written.getvalue()


def call_itself(depth):
    if depth % 2:  # two frames in turn: Python does not shorten them
        call_itself(depth + 1)
    call_itself(depth + 1)


@pytest.mark.parametrize("message", ["a secret " * 100_000, None])
def test_a_trace_that_is_too_long_lacks_its_middle(message):
    def fail():
        if message is None:
            call_itself(0)
        raise ValueError(message)

    trace = format_trace(caught(fail))
    assert len(trace) < LONGEST_TRACE + 100
    assert trace.startswith("Traceback (most recent call last):")
    assert " characters …)" in trace


def test_many_long_private_texts_are_left_out_in_no_time():
    private = tuple(f"Typed {number} {'é' * 2_000}" for number in range(100))

    def fail():
        raise ValueError(private[50].upper())

    error = caught(fail)
    assert cost_of(lambda: format_trace(error, private)) < MOST_SECONDS
    assert "TYPED" not in format_trace(error, private)


def test_a_text_is_left_out_where_a_trace_is_cut():
    """Half of it would not be found."""
    private = "typed " * 10_000

    def fail():
        raise ValueError("x" * 10_000 + private + "y" * 500_000)

    assert "typed" not in format_trace(caught(fail), (private.strip(),))


def test_a_trace_that_repeats_a_whole_form_twice_is_searched_to_its_end():
    assert LONGEST_SEARCHED >= LONGEST_TRACE + 2 * MOST_CHARACTERS


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (
            "https://me:x@one.example:9200 https://two.example",
            "https://me:***@one.example:9200 https://two.example",
        ),
        ("https://me:x@y@one.example", "https://me:***@one.example"),
        (
            "https://one.example/?api_key=x&page=2 and more",
            "https://one.example/?api_key=***&page=2 and more",
        ),
        ("postgresql://me:***@x/y%40one.example/blog", "postgresql://me:***%40one.example/blog"),
        (
            "postgresql:///blog?sslkey=/etc/key.pem&sslpassword=x",
            "postgresql:///blog?sslkey=/etc/key.pem&sslpassword=***",
        ),
        ("no address: a@b", "no address: a@b"),
    ],
)
def test_passwords_in_addresses_are_hidden(text, hidden):
    assert hide_passwords(text) == hidden


LINK = "x" * 43  # as random as the link in a mail


@pytest.mark.parametrize(
    ("path", "query", "left"),
    [
        (f"/confirm/{LINK}", "", "/confirm/***"),
        (f"/reset-password/{LINK}", "a=b", "/reset-password/***?a=b"),
        (f"/unsubscribe/12.follow.{LINK}", "", "/unsubscribe/***"),
        ("/login", f"next=%2Freset-password%2F{LINK}", "/login?next=%2Freset-password%2F***"),
        ("/login", f"next=/reset-password/{LINK}&x=1", "/login?next=/reset-password/***&x=1"),
        (f"/users/{'W' * 30}/followers", "", f"/users/{'W' * 30}/followers"),
        ("/posts/123456789012345678", "", "/posts/123456789012345678"),
    ],
)
def test_a_link_that_was_mailed_is_not_in_the_log(path, query, left):
    assert mask_address({"PATH_INFO": path, "QUERY_STRING": query}) == left
