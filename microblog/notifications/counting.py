"""How many notifications are unread: in the header of every page, and for its script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from microblog.i18n import Message, _, n_
from microblog.notifications import queries
from microblog.notifications.resources import UnreadCount
from microblog.notifications.rules import MOST_UNREAD
from microblog.request import Request
from microblog.web.pages import format_number, page_view

COUNT = "notifications"  # of the header


@dataclass(frozen=True)
class Unread:
    """`shown` is short, as "3" or "99+", and empty for none; `label` says it in words."""

    count: int
    shown: str
    label: Message


def describe(request: Request, count: int) -> Unread:
    locale = str(request.locale)
    if not count:
        return Unread(0, "", _("Notifications"))
    if count >= MOST_UNREAD:
        most = MOST_UNREAD - 1
        label = _("Notifications: more than %(count)s unread", count=most)
        return Unread(count, f"{format_number(most, locale)}+", label)
    label = n_("Notifications: %(count)s unread", "Notifications: %(count)s unread", count)
    return Unread(count, format_number(count, locale), label)


def count_for_header(request: Request) -> Unread:
    """For somebody who is logged in."""
    return describe(request, request.header_counts[COUNT])


@page_view(context=UnreadCount, renderer="json")
def unread_count(resource: UnreadCount, request: Request) -> Any:
    """The ETag is made of what was found, so a browser that knows it already gets a 304."""
    unread = describe(request, queries.count_unread(request.dbsession, request.me.id))
    response = request.response
    response.cache_control = "private, no-cache"
    response.vary = ("Cookie", "Accept-Language")
    response.etag = f"{request.me.id}-{unread.count}-{request.language.tag}"
    response.conditional_response = True
    return {"count": unread.count, "shown": unread.shown, "label": request.translate(unread.label)}
