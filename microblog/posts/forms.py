"""Writing a post."""

from __future__ import annotations

from typing import Any

from wtforms import TextAreaField

from microblog.posts.rules import check_visible
from microblog.settings import Setting, whole_number
from microblog.texts import to_unix_lines
from microblog.web.forms import AtMost, Form, Rule, no_control_characters

MAX_LENGTH = Setting(
    "microblog.posts.max_length",
    whole_number(1, 100_000),
    280,
    "Characters that a post may have, as a reader counts them.",
)


def check_max_length(form: Any, field: Any) -> None:
    AtMost(form.request.microblog[MAX_LENGTH])(form, field)


class PostForm(Form):
    body = TextAreaField(
        "What is on your mind?",
        [Rule(check_visible), no_control_characters, check_max_length],
        [to_unix_lines],
    )
