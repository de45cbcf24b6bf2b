"""Moderation: what admins and moderators do, and the trail of it (docs/moderation.md)."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.accounts.events import RoleChanged
    from microblog.i18n import _
    from microblog.moderation import subscribers
    from microblog.moderation.actions import MAIL
    from microblog.moderation.prevention import find_reason_of_post, find_reason_of_sign_up
    from microblog.moderation.report_actions import ANSWER, open_held
    from microblog.moderation.resources import AuditPage, PeoplePage, PostsPage, ReportsPage
    from microblog.moderation.settings import SETTINGS
    from microblog.moderation.texts import describe_suspension
    from microblog.moderation.withholding import SECONDS_BETWEEN_LOOKS, carry_out
    from microblog.posts.events import PostHeld

    config.declare_settings(*SETTINGS)
    config.add_models("microblog.moderation.models")
    config.add_admin_page("audit", _("What was done"), AuditPage, for_moderators=True)
    config.add_admin_page("people", _("People"), PeoplePage, for_moderators=True)
    config.add_admin_page("posts", _("Posts with a link"), PostsPage, for_moderators=True)
    config.add_admin_page("reports", _("Reports"), ReportsPage, for_moderators=True)
    config.add_mail_kind(
        MAIL,
        folder="microblog.moderation:templates/mails/moderation",
        label=_("Moderators have something to say"),
        is_switchable=False,
        only_confirmed=False,
    )
    config.add_mail_kind(
        ANSWER,
        folder="microblog.moderation:templates/mails/report",
        label=_("What became of your report"),
        is_switchable=False,
    )
    config.include("microblog.moderation.report_views")
    config.add_worker_task("suspensions", carry_out, every=SECONDS_BETWEEN_LOOKS)
    config.add_command("audit", "microblog.moderation.commands.audit", order=58)
    for name in ("warn", "hide", "unhide", "suspend", "unsuspend"):
        config.add_command(f"user {name}", f"microblog.moderation.commands.{name}")
    config.add_log_in_check(describe_suspension)
    config.add_post_check(find_reason_of_post)
    config.add_sign_up_check(find_reason_of_sign_up)
    config.add_subscriber(open_held, PostHeld)
    config.add_subscriber(subscribers.record_role, RoleChanged)
