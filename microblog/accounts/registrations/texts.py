"""What people read who wait, or have no invitation."""

from __future__ import annotations

from microblog.i18n import _

WAITS = _(
    "Your sign-up waits for an admin, who approves each account here. You get a mail then, and can log in."
)
HELD = _("Your sign-up waits for an admin, who looks at it. You get a mail then, and can log in.")
NOT_INVITED = _("Signing up takes an invitation here: a link that an admin has made.")
INVITATION_USED = _("This invitation was used up, or is too old. Ask for another one.")
