"""What may be a nickname, and what is made of one that may not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog.accounts.models import NICKNAME_LENGTH
from microblog.accounts.nicknames import (
    find_nickname_problem,
    list_candidates,
    make_valid_nickname,
)
from microblog.accounts.queries import add_user, make_unique_nickname

RESERVED = ("admin", "followers", "user2")
NEARLY = st.text(alphabet="aZ09_.. é日-", max_size=40)
NAMES = st.one_of(st.text(), NEARLY, st.sampled_from(RESERVED))


@pytest.mark.parametrize("nickname", ["susan", "Su", "s.k", "_", "x" * 30, "1_2", "_a_", "a.b.c"])
def test_a_valid_nickname_is_accepted(nickname):
    assert find_nickname_problem(nickname.ljust(2, "_"), RESERVED) is None


@pytest.mark.parametrize(
    ("nickname", "words"),
    [
        ("", "2 to 30 characters"),
        ("a", "2 to 30 characters"),
        ("x" * 31, "2 to 30 characters"),
        ("su san", "letters a to z"),
        ("susan\n", "letters a to z"),
        ("su-san", "letters a to z"),
        ("сусанна", "letters a to z"),
        ("susаn", "letters a to z"),  # with a Cyrillic а
        ("ｓｕｓａｎ", "letters a to z"),
        ("su\u200bsan", "letters a to z"),
        ("\u202esusan", "letters a to z"),
        ("１２", "letters a to z"),
        (".susan", "neither begins nor ends with a dot"),
        ("susan.", "neither begins nor ends with a dot"),
        ("su..san", "no two dots in a row"),
        ("admin", "reserved"),
        ("FOLLOWERS", "reserved"),
    ],
)
def test_an_invalid_nickname_is_refused_with_a_sentence(nickname, words):
    problem = find_nickname_problem(nickname, RESERVED)
    assert problem is not None
    assert words in problem
    assert problem.endswith(".")


def test_characters_that_are_not_allowed_are_removed():
    assert make_valid_nickname("John_[123]\n") == "John_123"


@pytest.mark.parametrize(
    ("nickname", "valid"),
    [("..a..b..", "a.b"), ("日本", ""), ("x" * 40, "x" * 30), ("x" * 29 + ".y", "x" * 29), ("a. .b", "a.b")],
)
def test_a_valid_nickname_is_made_of_what_is_left(nickname, valid):
    assert make_valid_nickname(nickname) == valid


@given(NAMES)
def test_a_nickname_that_was_made_valid_is_empty_or_valid(nickname):
    valid = make_valid_nickname(nickname)
    assert valid == "" or re.fullmatch(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*", valid)
    assert len(valid) <= NICKNAME_LENGTH
    assert make_valid_nickname(valid) == valid


@given(NAMES)
def test_every_candidate_can_be_a_nickname(nickname):
    names = list_candidates(nickname, RESERVED)
    assert names
    assert [find_nickname_problem(name, RESERVED) for name in names] == [None] * len(names)


def test_a_free_nickname_stays_as_it_is(session):
    assert make_unique_nickname(session, "susan") == "susan"


def test_a_taken_nickname_gives_another_one(session):
    add_user(session, "john")
    assert make_unique_nickname(session, "john") == "john2"
    add_user(session, "John2")
    assert make_unique_nickname(session, "JOHN") == "JOHN3"


@pytest.mark.parametrize(("nickname", "offer"), [("admin", "admin2"), ("日本", "user2"), ("a", "a_1")])
def test_a_nickname_that_cannot_be_gives_one_that_can(session, nickname, offer):
    assert make_unique_nickname(session, nickname) == offer


def test_when_ninety_nine_are_taken_there_is_still_one(session):
    for name in list_candidates("susan", RESERVED):
        add_user(session, name)
    name = make_unique_nickname(session, "susan")
    assert find_nickname_problem(name, RESERVED) is None
    add_user(session, name)


# What nobody may be called is what pages are called, and what people would take for the site.
RESERVED_BY_US = """
    check-mail confirm former-address new-address preferences privacy reset-password terms unsubscribe updates
    about account admin administrator api avatars everybody everyone explore feed feeds follow followers
    following health help home login logout me media mentions message messages metrics microblog moderator
    none notices notification notifications null people post posts register root rules search security
    settings static support system tag tags
    undefined unfollow user users webmaster
    """


def test_every_room_reserves_the_names_of_its_pages(application):
    assert application.registry.reserved_nicknames == set(RESERVED_BY_US.split())
