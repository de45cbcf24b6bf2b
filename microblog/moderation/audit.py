"""The audit trail: what its entries are called. No page and no command changes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from microblog.i18n import Message, _

GRANT_ADMIN, REVOKE_ADMIN = "grant admin", "revoke admin"
GRANT_MODERATOR, REVOKE_MODERATOR = "grant moderator", "revoke moderator"
SUSPEND, UNSUSPEND, WARN, END_SESSIONS = "suspend", "unsuspend", "warn", "end sessions"
LIMIT, UNLIMIT, NOTE, NEW_PASSWORD = "limit", "unlimit", "note", "new password"
REMOVE_PICTURES, DELETE = "remove pictures", "delete"
CLAIM, GIVE_BACK, CLOSE, REOPEN = "claim report", "give back report", "close report", "reopen report"
HIDE_POST, SHOW_POST, DELETE_POST = "hide post", "show post", "delete post"
# What is done, as the table names it and as pages show it.
LABELS: Final[Mapping[str, Message]] = {
    GRANT_ADMIN: _("Made an admin"),
    REVOKE_ADMIN: _("Is no longer an admin"),
    GRANT_MODERATOR: _("Made a moderator"),
    REVOKE_MODERATOR: _("Is no longer a moderator"),
    WARN: _("Warned"),
    SUSPEND: _("Suspended"),
    UNSUSPEND: _("No longer suspended"),
    END_SESSIONS: _("Logged out everywhere"),
    LIMIT: _("Taken out of lists and search"),
    UNLIMIT: _("In lists and search again"),
    NOTE: _("A note"),
    NEW_PASSWORD: _("Has to choose a new password"),
    REMOVE_PICTURES: _("The pictures of the profile were removed"),
    DELETE: _("The account was deleted"),
    CLAIM: _("A report was claimed"),
    GIVE_BACK: _("A report was given back"),
    CLOSE: _("A report was closed"),
    REOPEN: _("A report was opened again"),
    HIDE_POST: _("A post was hidden"),
    SHOW_POST: _("A post is shown again"),
    DELETE_POST: _("A post was deleted"),
}
