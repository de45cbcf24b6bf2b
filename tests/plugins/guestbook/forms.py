"""Signing the guestbook."""

from wtforms import StringField

from microblog.texts import strip
from microblog.web.forms import Form, Rule
from tests.plugins.guestbook.rules import check_signature


class SignatureForm(Form):
    signature = StringField("Your line", [Rule(check_signature)], [strip])
