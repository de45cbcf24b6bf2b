"""Moderation: what admins and moderators do, and the trail of it (docs/moderation.md)."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.accounts.events import RoleChanged
    from microblog.i18n import _
    from microblog.moderation import subscribers
    from microblog.moderation.resources import AuditPage

    config.add_models("microblog.moderation.models")
    config.add_admin_page("audit", _("What was done"), AuditPage, for_moderators=True)
    config.add_command("audit", "microblog.moderation.commands.audit", order=58)
    config.add_subscriber(subscribers.record_role, RoleChanged)
