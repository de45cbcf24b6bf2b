"""What a post may be, without a form."""

from __future__ import annotations

import pytest

from microblog.posts.rules import check_body
from microblog.texts import InvalidText


@pytest.mark.parametrize(
    ("body", "words"),
    [(" \u200b", "cannot be empty"), ("a\x00b", "control character"), ("x" * 11, "1 character too long")],
)
def test_a_text_that_cannot_be_a_post_is_refused_with_a_sentence(body, words):
    with pytest.raises(InvalidText, match=words):
        check_body(body, max_length=10)


def test_another_can():
    check_body("👩‍👩‍👧" * 10, max_length=10)
