"""What a moderator says of what they do."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, ValidationError

from microblog.i18n import _
from microblog.moderation.rules import REASON_CHARACTERS, SAID_CHARACTERS
from microblog.paging import parse_id
from microblog.posts.forms import Texts
from microblog.texts import strip, to_unix_lines
from microblog.web.forms import BROKEN, AtMost, Form, no_control_characters


def clean(text: str | None) -> str:
    return strip(to_unix_lines(text or ""))


MOST_POSTS = 100
POST_DEEDS = ("hide", "show", "delete")


def check_posts(form: Any, field: Any) -> None:
    """Numbers of posts, and neither none nor very many."""
    if not field.data:
        raise ValidationError(_("Choose posts."))
    if len(field.data) > MOST_POSTS or any(parse_id(text) is None for text in field.data):
        raise ValidationError(BROKEN)


class DeedForm(Form):
    """Why something is done to somebody: for moderators, and for the person."""

    reason = TextAreaField(
        _("Reason, for moderators"),
        [
            DataRequired(_("Say why: other moderators read it later.")),
            no_control_characters,
            AtMost(REASON_CHARACTERS),
        ],
        filters=[clean],
    )
    said = TextAreaField(
        _("Text for the person"), [no_control_characters, AtMost(SAID_CHARACTERS)], filters=[clean]
    )


class PostsForm(DeedForm):
    """What is done to which posts of somebody, and why."""

    post = Texts("", [check_posts])
    do = HiddenField("", [AnyOf(POST_DEEDS, BROKEN)])
