"""Writing a post."""

from __future__ import annotations

from typing import Any

from wtforms import TextAreaField
from wtforms.validators import ValidationError

from microblog.posts.text import is_blank
from microblog.settings import Setting, whole_number
from microblog.web.forms import AtMost, Form, no_control_characters, unix_lines

MAX_LENGTH = Setting(
    "microblog.posts.max_length",
    whole_number(1, 100_000),
    280,
    "Characters that a post may have, as a reader counts them.",
)


def says_something(form: Any, field: Any) -> None:
    if is_blank(field.data or ""):
        raise ValidationError("Write something first: a post cannot be empty.")


def as_long_as_allowed(form: Any, field: Any) -> None:
    AtMost(form.request.microblog[MAX_LENGTH])(form, field)


class PostForm(Form):
    body = TextAreaField(
        "What is on your mind?", [says_something, no_control_characters, as_long_as_allowed], [unix_lines]
    )
