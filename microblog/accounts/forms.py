"""The forms of signing up, logging in, and one's profile."""

from __future__ import annotations

from functools import partial
from typing import Any

from wtforms import BooleanField, FileField, HiddenField, PasswordField, StringField, TextAreaField
from wtforms.validators import InputRequired, Optional, StopValidation, ValidationError

from microblog.accounts import rules
from microblog.accounts.models import EMAIL_LENGTH
from microblog.accounts.nicknames import make_nickname_key
from microblog.accounts.settings import REFUSED_DOMAINS
from microblog.addresses import make_email_key, to_ascii
from microblog.formdata import Upload
from microblog.i18n import _
from microblog.media.names import is_name
from microblog.media.plans import AVATAR, HEADER
from microblog.request import Request
from microblog.texts import check_length, empty_if_blank, strip, to_unix_lines
from microblog.web.forms import BROKEN, Form, Rule, no_control_characters
from microblog.web.pages import SITE_NAME

TAKEN_NICKNAME = _("Somebody has, or had, this nickname already.")
SAME_PASSWORD = _("This is the password that you have. Choose another one.")
REFUSED_DOMAIN = _("Addresses of this domain are not accepted here. Use another one.")
HAS_TO_AGREE = _("Read the rules, and agree to them if you want to sign up.")
TAKEN_EMAIL = _("Somebody has signed up with this e-mail address already. If that was you, log in.")


def at_most(characters: int, sentence: str) -> Rule:
    """At most so many code points; no further validator gets a longer text."""
    return Rule(partial(check_length, least=0, most=characters, sentence=sentence), stop=True)


def validate_nickname(form: Any, field: Any) -> None:
    """Validate a nickname; people may keep theirs when a new page, or a plug-in, reserves it."""
    me = form.request.identity
    own = set() if me is None else {make_nickname_key(me.nickname)}
    reserved = form.request.registry.reserved_nicknames - own
    Rule(partial(rules.check_nickname, reserved=reserved))(form, field)


def is_not_guessed(form: Any, field: Any) -> None:
    """Not a password that is tried first, also because of what else is in the form."""
    site_name = form.request.microblog[SITE_NAME]
    known = rules.get_known_words(form.get_text("nickname"), form.get_text("email"), site_name)
    Rule(partial(rules.check_password_is_not_guessed, known=known))(form, field)


def is_from_a_welcome_domain(form: Any, field: Any) -> None:
    """Not from one of those that the operator refuses, nor from one below them."""
    refused = form.request.microblog[REFUSED_DOMAINS]
    labels = make_email_key(field.data).rpartition("@")[2].split(".")
    spellings = (".".join(labels[start:]) for start in range(len(labels)))
    if any(name in refused or to_ascii(name) in refused for name in spellings):
        raise ValidationError(REFUSED_DOMAIN)


class RegisterForm(Form):
    """`agrees` is asked only where the site has rules (`/rules`)."""

    invite = HiddenField("")  # the token of an invitation
    nickname = StringField(_("Nickname"), [InputRequired(rules.NICKNAME_MISSING), validate_nickname], [strip])
    email = StringField(
        _("E-mail"),
        [
            InputRequired(rules.EMAIL_MISSING),
            Rule(rules.check_email_length, stop=True),
            no_control_characters,
            Rule(rules.check_email_form, stop=True),
            is_from_a_welcome_domain,
        ],
        [strip],
    )
    password = PasswordField(
        _("Password"),
        [
            InputRequired(rules.PASSWORD_MISSING),
            Rule(rules.check_password_length, stop=True),
            no_control_characters,
            is_not_guessed,
        ],
    )
    agrees = BooleanField(_("I agree to the rules of this site"), [InputRequired(HAS_TO_AGREE)])

    def __init__(self, request: Request, *, asks_for_rules: bool, **more: Any) -> None:
        super().__init__(request, **more)
        if not asks_for_rules:
            del self.agrees


def is_another_password(form: Any, field: Any) -> None:
    """Not the password that somebody has already."""
    if field.data == form.password.data:
        raise StopValidation(SAME_PASSWORD)


def is_not_guessed_of_mine(form: Any, field: Any) -> None:
    """Not a password that is tried first at the account of the reader."""
    me, site_name = form.request.me, form.request.microblog[SITE_NAME]
    known = rules.get_known_words(me.nickname, me.email, site_name)
    Rule(partial(rules.check_password_is_not_guessed, known=known))(form, field)


class PasswordForm(Form):
    """A new password. What somebody is asked for again is their present one."""

    password = PasswordField(
        _("Present password"),
        [
            InputRequired(_("Type your present password.")),
            Rule(rules.check_typed_password, stop=True),
        ],
    )
    new_password = PasswordField(
        _("New password"),
        [
            InputRequired(rules.PASSWORD_MISSING),
            Rule(rules.check_password_length, stop=True),
            no_control_characters,
            is_another_password,
            is_not_guessed_of_mine,
        ],
    )


class DeletionForm(Form):
    """The present password, of whoever deletes their account."""

    password = PasswordField(
        _("Present password"),
        [
            InputRequired(_("Type your present password.")),
            Rule(rules.check_typed_password, stop=True),
        ],
    )


class SessionForm(Form):
    """Which session to end; without a key all others."""

    session = HiddenField("")


class LoginForm(Form):
    nickname = StringField(
        _("Nickname or e-mail"),
        [
            InputRequired(_("Type your nickname or e-mail address.")),
            at_most(EMAIL_LENGTH, _("This is too long for a nickname or an e-mail address.")),
            no_control_characters,
        ],
        [strip],
    )
    password = PasswordField(
        _("Password"),
        [
            InputRequired(_("Type your password.")),
            Rule(rules.check_typed_password, stop=True),
        ],
    )
    remember_me = BooleanField(_("Remember me"))
    carried = HiddenField("")  # the form, signed, that was sent after the session had ended


def check_name_of_picture(form: Any, field: Any) -> None:
    if not is_name(field.data):
        raise ValidationError(BROKEN)


def check_file(form: Any, field: Any) -> None:
    """A browser sends one file, or an empty text."""
    if field.data or len(form.list_files(field.name)) > 1:
        raise ValidationError(BROKEN)


def make_name_field() -> Any:
    return HiddenField("", [Optional(), check_name_of_picture])


class ProfileForm(Form):
    """`avatar` and `header` are files. `new_avatar` is the name of a picture that was accepted while another
    field was refused, and waits; `remove_avatar` that of the picture, new or not, that is to go.
    """

    takes_files = frozenset({AVATAR, HEADER})

    nickname = StringField(_("Nickname"), [InputRequired(rules.NICKNAME_MISSING), validate_nickname], [strip])
    display_name = StringField(_("Display name"), [Rule(rules.check_display_name)], [rules.tidy_display_name])
    about_me = TextAreaField(_("About me"), [Rule(rules.check_about_me)], [to_unix_lines, empty_if_blank])
    avatar = FileField(_("Avatar"), [check_file])
    new_avatar = make_name_field()
    remove_avatar = make_name_field()
    header = FileField(_("Header"), [check_file])
    new_header = make_name_field()
    remove_header = make_name_field()

    def list_files(self, name: str) -> list[Upload]:
        """The files that were sent in this field."""
        return [
            value
            for field, value in self.request.POST.items()
            if field == name and not isinstance(value, str)
        ]
