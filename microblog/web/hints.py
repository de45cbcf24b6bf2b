"""What else a page of an error says: what may have happened, and what can be done about it."""

from __future__ import annotations

from microblog.i18n import _

HINTS = {
    403: _("If you expected something else, you may be logged in as somebody else than you think."),
    404: _("It may have been deleted or renamed, or a letter of the address is wrong."),
    410: _("Nobody can bring it back. Perhaps you find something like it."),
    413: _("Make it shorter, and send it again."),
    429: _("Nobody shall be able to slow this site down for all others. Nothing is lost by waiting."),
    500: _("Trying again often helps. What you sent before is not lost by it."),
    503: _("It mostly takes a few seconds."),
}
# Pages on which other links than that to the front page may help: those of `add_nav_item(slot="errors")`.
WITH_LINKS = (403, 404, 410)
