"""Signing up, logging in, and one's profile."""

from __future__ import annotations

from typing import Any

from email_validator import EmailNotValidError
from wtforms import BooleanField, HiddenField, PasswordField, StringField, TextAreaField
from wtforms.validators import InputRequired, ValidationError

from microblog.accounts import passwords
from microblog.accounts.models import EMAIL_LENGTH
from microblog.accounts.nicknames import nickname_problem
from microblog.addresses import parse_address
from microblog.web.forms import AtMost, Form, Length, no_control_characters, strip, unix_lines

ABOUT_ME_GRAPHEMES = 140
TAKEN_NICKNAME = "Somebody has, or had, this nickname already."
TAKEN_EMAIL = "Somebody has signed up with this e-mail address already. If that was you, log in."


def is_a_nickname(form: Any, field: Any) -> None:
    problem = nickname_problem(field.data)
    if problem is not None:
        raise ValidationError(problem)


def is_an_email_address(form: Any, field: Any) -> None:
    try:
        parse_address(field.data)
    except EmailNotValidError as error:
        raise ValidationError(f"This is not an e-mail address: {str(error)[:150]}") from None


class RegisterForm(Form):
    nickname = StringField("Nickname", [InputRequired("Choose a nickname."), is_a_nickname], [strip])
    email = StringField(
        "E-mail",
        [
            InputRequired("Give an e-mail address."),
            Length(max=EMAIL_LENGTH, message="An e-mail address has at most 254 characters."),
            no_control_characters,
            is_an_email_address,
        ],
        [strip],
    )
    password = PasswordField(
        "Password",
        [
            InputRequired("Choose a password."),
            Length(
                passwords.LEAST_CHARACTERS,
                passwords.MOST_CHARACTERS,
                f"A password has {passwords.LEAST_CHARACTERS} to {passwords.MOST_CHARACTERS:,} characters.",
            ),
            no_control_characters,
        ],
    )


class LoginForm(Form):
    nickname = StringField(
        "Nickname or e-mail",
        [
            InputRequired("Type your nickname or e-mail address."),
            Length(max=EMAIL_LENGTH, message="This is too long for a nickname or an e-mail address."),
            no_control_characters,
        ],
        [strip],
    )
    password = PasswordField(
        "Password",
        [
            InputRequired("Type your password."),
            Length(max=passwords.MOST_CHARACTERS, message="This is too long for a password."),
        ],
    )
    remember_me = BooleanField("Remember me")
    carried = HiddenField()  # the form that somebody sent when their session had ended, signed


class ProfileForm(Form):
    nickname = StringField("Nickname", [InputRequired("Choose a nickname."), is_a_nickname], [strip])
    about_me = TextAreaField("About me", [no_control_characters, AtMost(ABOUT_ME_GRAPHEMES)], [unix_lines])
