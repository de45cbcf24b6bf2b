"""The audit trail: what its entries are called. No page and no command changes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from microblog.i18n import Message, _

GRANT_ADMIN, REVOKE_ADMIN = "grant admin", "revoke admin"
GRANT_MODERATOR, REVOKE_MODERATOR = "grant moderator", "revoke moderator"
SUSPEND, UNSUSPEND, WARN, END_SESSIONS = "suspend", "unsuspend", "warn", "end sessions"
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
    HIDE_POST: _("A post was hidden"),
    SHOW_POST: _("A post is shown again"),
    DELETE_POST: _("A post was deleted"),
}
