"""`/notifications/`: the list, and marking what is read."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from wtforms import HiddenField
from wtforms.validators import ValidationError

from microblog.i18n import _
from microblog.ids import get_present
from microblog.notifications import actions, queries
from microblog.notifications.queries import NotificationRow
from microblog.notifications.resources import NotificationLine, Notifications
from microblog.paging import Cursor, parse_id
from microblog.request import Request
from microblog.security.redirects import get_next_page
from microblog.web.forms import Form
from microblog.web.pages import page_view
from microblog.web.paging import Keyset, read_page

ROWS = Keyset[NotificationRow, int](lambda row: row.latest, parse_id, goes_back=True)
BROKEN = _("This form is damaged. Please open the page of your notifications again.")


def check_until(form: Any, field: Any) -> None:
    if field.data and parse_id(field.data) is None:
        raise ValidationError(BROKEN)


class MarkForm(Form):
    """`until` is the id up to which the page has shown what happened: what came since stays unread."""

    until = HiddenField("until", [check_until])

    def get_until(self) -> int:
        return parse_id(self.until.data or "") or get_present()


@page_view(context=Notifications, renderer="templates/notifications.jinja2")
def notifications(resource: Notifications, request: Request) -> Any:
    def fetch(cursor: Cursor, limit: int) -> Any:
        return queries.list_notifications(request.dbsession, request.me.id, cursor, limit)

    page = read_page(request, ROWS, fetch)
    return {"page": page, "kinds": request.registry.notification_kinds, "page_name": "notifications"}


@page_view(
    context=Notifications,
    name="read",
    methods=("GET", "POST"),
    repeatable=True,
    renderer="templates/mark.jinja2",
)
def read_all(resource: Notifications, request: Request) -> Any:
    """GET asks; POST marks all that the page has shown, and what is older."""
    form = MarkForm(request)
    if request.method != "POST" or not form.validate():
        return ask(request, form, request.link("notifications", "read"))
    actions.mark_all_read(request.begin_write(), request.me.id, form.get_until())
    request.flash(_("Everything is marked as read."))
    return HTTPSeeOther(location=get_next_page(request) or request.link("notifications", ""))


@page_view(
    context=NotificationLine,
    name="read",
    methods=("GET", "POST"),
    repeatable=True,
    renderer="templates/mark.jinja2",
)
def read_one(line: NotificationLine, request: Request) -> Any:
    return mark_one(line, request, "read", get_next_page(request) or request.link("notifications", ""))


@page_view(
    context=NotificationLine,
    name="open",
    methods=("GET", "POST"),
    repeatable=True,
    renderer="templates/mark.jinja2",
)
def open_one(line: NotificationLine, request: Request) -> Any:
    """Go to what it is about, and mark it as read on the way."""
    kind = request.registry.notification_kinds[line.row.kind]
    return mark_one(line, request, "open", kind.link(request, line.row))


def mark_one(line: NotificationLine, request: Request, name: str, location: str) -> Any:
    """GET asks; POST marks this line, and goes on to `location`."""
    form = MarkForm(request)
    if request.method != "POST" or not form.validate():
        return ask(request, form, request.link("notifications", line.row.id, name), line.row)
    actions.mark_read(request.begin_write(), request.me.id, line.row.id, form.get_until())
    return HTTPSeeOther(location=location)


def ask(request: Request, form: MarkForm, action: str, row: NotificationRow | None = None) -> dict[str, Any]:
    if request.method == "POST":
        request.response.status_int = 422
    return {
        "form": form,
        "action": action,
        "notification": row,
        "kinds": request.registry.notification_kinds,
        "next": get_next_page(request),
        "page_name": "notifications",
    }
