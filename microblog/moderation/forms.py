"""What a moderator says of what they do."""

from __future__ import annotations

from wtforms import TextAreaField
from wtforms.validators import DataRequired

from microblog.i18n import _
from microblog.moderation.rules import REASON_CHARACTERS, SAID_CHARACTERS
from microblog.texts import strip, to_unix_lines
from microblog.web.forms import AtMost, Form, no_control_characters


def clean(text: str | None) -> str:
    return strip(to_unix_lines(text or ""))


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
