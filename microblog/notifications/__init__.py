"""Telling people what others do that concerns them: `/notifications/` and `/account/notices`."""

from typing import Any


def includeme(config: Any) -> None:
    from functools import partial

    from microblog.i18n import _
    from microblog.notifications import queries, subscribers
    from microblog.notifications.counting import COUNT, count_for_header
    from microblog.notifications.kinds import MAIL, SITE
    from microblog.notifications.resources import Notifications
    from microblog.notifications.settings import DAYS
    from microblog.notifications.tasks import SECONDS_BETWEEN_CLEANINGS, delete_old
    from microblog.people.events import Followed, Unfollowed
    from microblog.posts.events import PostEdited, PostPublished
    from microblog.reactions.events import Boosted, Liked, Unboosted, Unliked
    from microblog.web.navigation import is_logged_in

    config.include("microblog.notifications.kinds")
    config.include("microblog.notifications.usual_kinds")
    config.declare_settings(DAYS)
    config.add_notice_channel(SITE, _("On this site"))
    config.add_notice_channel(MAIL, _("By mail"))
    config.add_branch("notifications", Notifications)
    config.reserve_nicknames("notification", "notices")
    config.keep_robots_from("notifications")
    config.add_nav_item(
        "notifications",
        template="microblog.notifications:templates/nav.jinja2",
        shown=is_logged_in,
        order=35,
    )
    config.add_account_page("notices", _("Notifications"), _("What you are told about, and how."), order=50)
    config.add_header_count(COUNT, queries.build_count())
    config.add_template_global("count_unread", lambda request: partial(count_for_header, request))
    for function, event in (
        (subscribers.tell_followed, Followed),
        (subscribers.withdraw_follow, Unfollowed),
        (subscribers.tell_liked, Liked),
        (subscribers.withdraw_like, Unliked),
        (subscribers.tell_boosted, Boosted),
        (subscribers.withdraw_boost, Unboosted),
        (subscribers.tell_published, PostPublished),
        (subscribers.tell_edited, PostEdited),
    ):
        config.add_subscriber(function, event)
    config.add_worker_task("old notifications", delete_old, every=SECONDS_BETWEEN_CLEANINGS)
    config.add_models("microblog.notifications.models")
    config.include("microblog.notifications.digests")
