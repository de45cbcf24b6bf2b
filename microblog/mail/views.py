"""`/unsubscribe/{token}`, for people; `/admin/mail/`, for admins."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPConflict, HTTPSeeOther

from microblog.i18n import _
from microblog.mail import actions, choices, queries
from microblog.mail.describing import describe_state
from microblog.mail.queries import REFUSED, STATES, WAITING, MailRow
from microblog.mail.resources import MailPage, MailsPage, Unsubscription
from microblog.paging import KeyCursor, parse_id
from microblog.request import Request
from microblog.web.pages import page_view
from microblog.web.paging import Keyset, read_page

MAILS_ON_A_PAGE = 50
BY_ID = Keyset[MailRow, int](lambda mail: mail.id, parse_id, goes_back=True)
STATE_LABELS = {
    "waiting": _("Waiting"),
    "sent": _("Sent"),
    "refused": _("Refused"),
    "dropped": _("Dropped"),
}


@page_view(
    context=Unsubscription,
    methods=("GET", "POST"),
    csrf=False,  # a mail program sends it by itself, without a page of ours (RFC 8058)
    renderer="templates/unsubscribe.jinja2",
)
def unsubscribe(link: Unsubscription, request: Request) -> Any:
    """A GET changes nothing, since programs open links that nobody has clicked."""
    is_done = request.method == "POST"
    if is_done:
        choices.refuse(request.begin_write(), link.user_id, link.kind.name)
    return {"kind": link.kind, "token": link.__name__, "is_done": is_done, "page_name": ""}


@page_view(context=MailsPage, renderer="templates/mails.jinja2")
def list_mails(page: MailsPage, request: Request) -> Any:
    state = request.GET.get("state") or None
    if state is not None and state not in STATES:
        raise HTTPBadRequest(_("There are no mails of this state."))

    def fetch(cursor: KeyCursor[int], limit: int) -> list[MailRow]:
        return queries.list_mails(request.dbsession, state, limit, cursor)

    listed = read_page(request, BY_ID, fetch, size=MAILS_ON_A_PAGE, state=state)
    return {
        "mails": [(mail, describe_state(mail)) for mail in listed.rows],
        "newer_url": listed.previous_url,
        "older_url": listed.next_url,
        "state": state,
        "states": STATE_LABELS,
        "kinds": request.registry.mail_kinds,
        "page_name": "admin",
    }


@page_view(context=MailPage, renderer="templates/mail.jinja2")
def show_mail(page: MailPage, request: Request) -> Any:
    kind = request.registry.mail_kinds.get(page.mail.kind)
    return {
        "mail": page.mail,
        "state": describe_state(page.mail),
        "kind": kind,
        # A link in it would open the account of whom it is for.
        "is_secret": kind is None or kind.is_secret,
        "message_id_label": "Message-ID",  # the name of a header, in no language
        "can_be_changed": page.mail.state in (WAITING, REFUSED),
        "page_name": "admin",
    }


@page_view(context=MailPage, name="retry", methods=("GET", "POST"), renderer="templates/change_mail.jinja2")
def retry(page: MailPage, request: Request) -> Any:
    if request.method != "POST":
        return {"mail": page.mail, "action": "retry", "page_name": "admin"}
    done = actions.retry(request.begin_write(), [page.mail.id])
    return finish(page, request, done, _("It is tried again now."))


@page_view(context=MailPage, name="drop", methods=("GET", "POST"), renderer="templates/change_mail.jinja2")
def drop(page: MailPage, request: Request) -> Any:
    if request.method != "POST":
        return {"mail": page.mail, "action": "drop", "page_name": "admin"}
    done = actions.drop(request.begin_write(), [page.mail.id])
    return finish(page, request, done, _("It will not be sent."))


def finish(page: MailPage, request: Request, done: int, sentence: str) -> Any:
    if not done:
        raise HTTPConflict(_("This mail was sent, or dropped, meanwhile."))
    request.flash(sentence)
    return HTTPSeeOther(location=request.link("admin", "mail", page.mail.id))
