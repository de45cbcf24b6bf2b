"""Rules of posts."""

from __future__ import annotations

from microblog.texts import InvalidText, check_characters, check_graphemes, is_blank


def check_visible(body: str) -> None:
    """:raises InvalidText: when there is nothing to see."""
    if is_blank(body):
        raise InvalidText("Write something first: a post cannot be empty.")


def check_body(body: str, *, max_length: int) -> None:
    """All rules of a post's text, after `to_unix_lines`.

    :raises InvalidText: for the first rule that it breaks.
    """
    check_visible(body)
    check_characters(body)
    check_graphemes(body, max_length)
