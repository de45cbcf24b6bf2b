"""How the texts of messages are shown, and which of them are valid."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog.messages.rules import EVERYBODY, FOLLOWED, NOBODY, check_body, find_refusal
from microblog.messages.texts import LINE_CODE_POINTS, MOST_LINE_GRAPHEMES, cut_line
from microblog.messages.unread import describe_unread
from microblog.texts import InvalidText, split_graphemes


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Hello", "Hello"),
        ("a\n\n b\tc", "a b c"),
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 100 + "…"),
        ("é" * 101, "é" * 100 + "…"),
        ("\n" * LINE_CODE_POINTS + "end", "…"),
    ],
)
def test_a_line_is_the_beginning_of_a_text(text, line):
    assert cut_line(text) == line


@given(st.text())
def test_a_line_is_one_line_and_short(text):
    line = cut_line(text)
    assert len(line.splitlines()) <= 1
    assert len(split_graphemes(line)) <= MOST_LINE_GRAPHEMES + 1


def test_all_rules_of_a_text_are_in_one():
    check_body("Hello\n👩‍👩‍👧‍👦", max_length=7)
    for text in ("", "\u200b", "a\x00", "12345678"):
        with pytest.raises(InvalidText):
            check_body(text, max_length=7)


@pytest.mark.parametrize("senders", [EVERYBODY, FOLLOWED, NOBODY])
@pytest.mark.parametrize("follows_me", [False, True])
@pytest.mark.parametrize("has_written_to_me", [False, True])
def test_who_may_write_follows_from_the_choice_of_the_recipient(senders, follows_me, has_written_to_me):
    facts: Any = {"senders": senders, "follows_me": follows_me, "has_written_to_me": has_written_to_me}
    may = has_written_to_me or senders == EVERYBODY or (senders == FOLLOWED and follows_me)
    assert (find_refusal(**facts) is None) == may
    for reason in ("is_gone", "is_oneself", "i_block", "blocks_me"):
        assert find_refusal(**{**facts, reason: True}) is not None


def test_the_number_of_unread_threads_is_limited():
    assert [describe_unread(count)[0] for count in (1, 99, 100)] == ["1", "99", "99+"]
