"""What operators are told of a mail, on the page and by the command."""

from __future__ import annotations

from microblog.i18n import Message, _
from microblog.ids import get_now
from microblog.mail.queries import DROPPED, REFUSED, SENT, MailRow

NO_ENTRY = _("has no entry in the outbox, and is not sent: retry it")
BEING_SENT = _("is being sent")
PAUSED = _("is tried again later")
WAITS = _("waits")
STATES = {SENT: _("sent"), REFUSED: _("refused"), DROPPED: _("dropped")}


def describe_state(mail: MailRow) -> Message:
    if mail.state in STATES:
        return STATES[mail.state]
    if mail.entry_id is None:
        return NO_ENTRY
    now = get_now()
    if (mail.lease_until or 0) > now:
        return BEING_SENT
    return PAUSED if (mail.next_at or 0) > now else WAITS
