"""The forms of a new address."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, StopValidation

from microblog.accounts import rules
from microblog.accounts.forms import is_from_a_welcome_domain
from microblog.addresses import make_email_key
from microblog.i18n import _
from microblog.texts import strip
from microblog.web.forms import Form, Rule, no_control_characters

YOUR_ADDRESS = _("This is your address already.")


def is_another_address(form: Any, field: Any) -> None:
    """Not the address that somebody has already, however it is spelled."""
    present = form.request.me.email
    if present and make_email_key(field.data) == make_email_key(present):
        raise StopValidation(YOUR_ADDRESS)


class EmailForm(Form):
    email = StringField(
        _("New e-mail address"),
        [
            InputRequired(rules.EMAIL_MISSING),
            Rule(rules.check_email_length, stop=True),
            no_control_characters,
            Rule(rules.check_email_form, stop=True),
            is_another_address,
            is_from_a_welcome_domain,
        ],
        [strip],
    )
    password = PasswordField(
        _("Present password"),
        [
            InputRequired(_("Type your present password.")),
            Rule(rules.check_typed_password, stop=True),
        ],
    )


class KeepForm(Form):
    """To keep the address that one has."""

    keep = HiddenField("")
