"""The kinds of notifications about people and posts."""

from __future__ import annotations

from typing import Any

from microblog.i18n import _
from microblog.notifications.kinds import Reader
from microblog.notifications.queries import NotificationRow

# Of likes and boosts nobody wants a mail each.
MAILED = frozenset({"answer", "mention", "follow"})


def link_to_post(reader: Reader, notification: NotificationRow) -> str:
    return reader.link("posts", notification.post_id)


def link_to_followers(reader: Reader, notification: NotificationRow) -> str:
    """Who follows now: of several all of them, of one the profile."""
    if notification.count > 1:
        return reader.link("users", reader.me.nickname, "followers")
    return reader.link("users", notification.actor.nickname)


def includeme(config: Any) -> None:
    folder = "microblog.notifications:templates"
    for order, (name, label, link, folded) in enumerate(
        (
            ("answer", _("Somebody answers you"), link_to_post, False),
            ("mention", _("Somebody mentions you"), link_to_post, False),
            ("follow", _("Somebody follows you"), link_to_followers, True),
            ("like", _("Somebody likes a post of yours"), link_to_post, True),
            ("boost", _("Somebody boosts a post of yours"), link_to_post, True),
        )
    ):
        config.add_notification_kind(
            name,
            label=label,
            template=f"{folder}/{name}.jinja2",
            link=link,
            folded=folded,
            mail=f"{folder}/mails/{name}" if name in MAILED else None,
            order=10 * (order + 1),
        )
