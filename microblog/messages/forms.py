"""Writing a message, and saying who may."""

from __future__ import annotations

from typing import Any

from wtforms import StringField, TextAreaField
from wtforms.validators import AnyOf

from microblog.i18n import _
from microblog.messages.rules import EVERYBODY, FOLLOWED, NOBODY, check_visible
from microblog.messages.settings import MAX_LENGTH
from microblog.texts import to_unix_lines
from microblog.web.forms import AtMost, Form, Rule, no_control_characters

NOT_IN_THE_LIST = _("Choose from the list.")
SENDERS_CHOICES = {EVERYBODY: _("Everybody"), FOLLOWED: _("People I follow"), NOBODY: _("Nobody")}


def check_max_length(form: Any, field: Any) -> None:
    AtMost(form.request.microblog[MAX_LENGTH])(form, field)


class MessageForm(Form):
    """The name of its field is no other form's: error pages know by it what was typed."""

    message = TextAreaField(
        _("Your message"), [Rule(check_visible), no_control_characters, check_max_length], [to_unix_lines]
    )


class SendersForm(Form):
    senders = StringField(_("Who may write to you"), [AnyOf(SENDERS_CHOICES, NOT_IN_THE_LIST)])
