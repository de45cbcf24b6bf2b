"""What a moderator says of what they do."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from wtforms import BooleanField, HiddenField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, ValidationError

from microblog.i18n import _
from microblog.moderation.rules import REASON_CHARACTERS, SAID_CHARACTERS
from microblog.paging import parse_id
from microblog.posts.forms import Texts
from microblog.request import Request
from microblog.texts import strip, to_unix_lines
from microblog.web.forms import BROKEN, AtMost, Form, no_control_characters


def clean(text: str | None) -> str:
    return strip(to_unix_lines(text or ""))


CHOOSE_REASON = _("Choose what is wrong with it.")
SAY_WHY = _("Say why: other moderators read it later.")
NOTE_CHARACTERS = 1000
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
            DataRequired(SAY_WHY),
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


WITHOUT_REASON = ("claim", "give-back", "reopen")


def needs_reason(form: Any, field: Any) -> None:
    if not field.data and form.do.data not in WITHOUT_REASON:
        raise ValidationError(SAY_WHY)


class ReportForm(Form):
    """What somebody reports, and why. `about` is a picture of the post, by its number, or empty; `reason` is
    one of `reasons`."""

    about = HiddenField(_("What is it about?"))
    reason = HiddenField(_("What is wrong with it?"))
    note = TextAreaField(
        _("What the moderators should know"),
        [no_control_characters, AtMost(NOTE_CHARACTERS)],
        filters=[clean],
    )
    wants_answer = BooleanField(_("Tell me by mail what was decided"))

    def __init__(self, request: Request, *, reasons: Collection[str], pictures: int = 0) -> None:
        super().__init__(request)
        self._reasons = reasons
        self._pictures = pictures

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if self.picture is None and self.about.data:
            self.form_errors.append(BROKEN)
            return False
        if self.get_text("reason") not in self._reasons:
            self.reason.errors = [CHOOSE_REASON]
            return False
        return valid

    @property
    def picture(self) -> int | None:
        """The number of the picture that it is about; None when it is about none, or there is none such."""
        number = parse_id(self.get_text("about"))
        return number if number is not None and 1 <= number <= self._pictures else None


CASE_DEEDS = (*WITHOUT_REASON, "close", *POST_DEEDS)


class CaseForm(Form):
    """What a moderator does with a case. Whatever closes it has a reason."""

    do = HiddenField("", [AnyOf(CASE_DEEDS, BROKEN)])
    reason = TextAreaField(
        _("Reason, for moderators"), [needs_reason, no_control_characters, AtMost(REASON_CHARACTERS)], [clean]
    )
    said = TextAreaField(
        _("Text for the person"), [no_control_characters, AtMost(SAID_CHARACTERS)], filters=[clean]
    )
    decision = TextAreaField(
        _("Text for whoever has reported it"),
        [no_control_characters, AtMost(SAID_CHARACTERS)],
        filters=[clean],
    )
