"""The form of an invitation."""

from __future__ import annotations

from wtforms import HiddenField, IntegerField
from wtforms.validators import InputRequired, NumberRange

from microblog.i18n import _
from microblog.web.forms import Form

MOST_USES = 1000
MOST_DAYS = 365


class InvitationForm(Form):
    uses = IntegerField(
        _("For how many people"),
        [InputRequired(_("Type a number.")), NumberRange(1, MOST_USES, _("Type a number from 1 to 1000."))],
        default=1,
    )
    days = IntegerField(
        _("For how many days"),
        [InputRequired(_("Type a number.")), NumberRange(1, MOST_DAYS, _("Type a number from 1 to 365."))],
        default=7,
    )


class EndForm(Form):
    """Which invitation to end."""

    invitation = HiddenField("")
