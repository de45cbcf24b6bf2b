"""The forms of a forgotten password."""

from __future__ import annotations

from typing import Any

from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from microblog.accounts import rules
from microblog.accounts.by_mail.queries import Owner
from microblog.i18n import _
from microblog.request import Request
from microblog.texts import strip
from microblog.web.forms import Form, Rule, no_control_characters
from microblog.web.pages import SITE_NAME


class ForgottenForm(Form):
    email = StringField(
        _("E-mail"),
        [
            InputRequired(rules.EMAIL_MISSING),
            Rule(rules.check_email_length, stop=True),
            no_control_characters,
            Rule(rules.check_email_form),
        ],
        [strip],
    )


def is_not_guessed(form: Any, field: Any) -> None:
    """Not a password that is tried first, also because of whose it is."""
    known = rules.get_known_words(form.owner.nickname, form.owner.email, form.request.microblog[SITE_NAME])
    Rule(lambda password: rules.check_password_is_not_guessed(password, known))(form, field)


class NewPasswordForm(Form):
    password = PasswordField(
        _("New password"),
        [
            InputRequired(rules.PASSWORD_MISSING),
            Rule(rules.check_password_length, stop=True),
            no_control_characters,
            is_not_guessed,
        ],
    )

    def __init__(self, request: Request, owner: Owner) -> None:
        super().__init__(request)
        self.owner = owner
