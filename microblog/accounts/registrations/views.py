"""For admins: who waits, and the invitations."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPConflict, HTTPSeeOther

from microblog.accounts.registrations import actions, queries
from microblog.accounts.registrations.actions import EmailTaken
from microblog.accounts.registrations.forms import EndForm, InvitationForm
from microblog.accounts.registrations.queries import RegistrationRow
from microblog.accounts.registrations.resources import InvitationsPage, RegistrationPage, RegistrationsPage
from microblog.accounts.settings import REGISTRATION
from microblog.i18n import _, join_sentences
from microblog.paging import KeyCursor, parse_id
from microblog.request import Request
from microblog.web.forms import check_button
from microblog.web.pages import page_view
from microblog.web.paging import Keyset, read_page

log = logging.getLogger(__name__)

ON_A_PAGE = 50
BY_ID = Keyset[RegistrationRow, int](lambda row: row.id, parse_id, goes_back=True)


@page_view(context=RegistrationsPage, renderer="templates/registrations.jinja2")
def list_registrations(page: RegistrationsPage, request: Request) -> Any:
    def fetch(cursor: KeyCursor[int], limit: int) -> list[RegistrationRow]:
        return queries.list_registrations(request.dbsession, limit, cursor)

    listed = read_page(request, BY_ID, fetch, size=ON_A_PAGE)
    return {
        "rows": listed.rows,
        "newer_url": listed.previous_url,
        "older_url": listed.next_url,
        "mode": request.microblog[REGISTRATION],
        "page_name": "admin",
    }


@page_view(
    context=RegistrationPage,
    name="approve",
    methods=("GET", "POST"),
    renderer="templates/change_registration.jinja2",
)
def approve(page: RegistrationPage, request: Request) -> Any:
    if request.method != "POST":
        return {"row": page.row, "action": "approve", "page_name": "admin"}
    check_button(request)
    try:
        created = actions.approve(request.begin_write(), page.row.id)
    except EmailTaken:
        request.give_up_write()
        raise HTTPConflict(_("There is an account with this address already. Refuse this one.")) from None
    log.info("Approved: user %d, by user %d", created.user_id, request.me.id)
    request.flash(_("%(nickname)s is one of us now, and gets a mail.", nickname=created.nickname))
    return HTTPSeeOther(location=request.link("admin", "registrations", ""))


@page_view(
    context=RegistrationPage,
    name="refuse",
    methods=("GET", "POST"),
    renderer="templates/change_registration.jinja2",
)
def refuse(page: RegistrationPage, request: Request) -> Any:
    if request.method != "POST":
        return {"row": page.row, "action": "refuse", "page_name": "admin"}
    check_button(request)
    nickname = actions.refuse(request.begin_write(), page.row.id)
    log.info("Refused: registration %d, by user %d", page.row.id, request.me.id)
    request.flash(_("%(nickname)s is refused, and gets a mail.", nickname=nickname), "info")
    return HTTPSeeOther(location=request.link("admin", "registrations", ""))


@page_view(context=InvitationsPage, methods=("GET", "POST"), renderer="templates/invitations.jinja2")
def invitations(page: InvitationsPage, request: Request) -> Any:
    """The link is shown once: only a hash of its token is kept."""
    if "invitation" in request.POST:
        return end_invitation(request)
    form = InvitationForm(request)
    if request.method != "POST":
        return make_invitations_page(request, form)
    if not form.validate():
        return make_invitations_page(request, form, status=422)
    uses, lasts = form.uses.data or 0, timedelta(days=form.days.data or 0)
    token = queries.add_invitation(request.begin_write(), uses, lasts)
    log.info("An invitation for %d, by user %d", uses, request.me.id)
    url = request.link("register", invite=token)
    request.flash(_("Pass this link on; it is shown only now: %(url)s", url=url))
    return HTTPSeeOther(location=request.link("admin", "invitations", ""))


def end_invitation(request: Request) -> Any:
    form = EndForm(request)
    invitation_id = parse_id(form.get_text("invitation"))
    if not form.validate() or invitation_id is None:
        raise HTTPBadRequest(join_sentences(*form.form_errors))
    queries.end_invitation(request.begin_write(), invitation_id)
    request.flash(_("Nobody can sign up by this invitation any more."), "info")
    return HTTPSeeOther(location=request.link("admin", "invitations", ""))


def make_invitations_page(request: Request, form: InvitationForm, *, status: int = 200) -> dict[str, Any]:
    request.response.status_int = status
    return {
        "form": form,
        "invitations": queries.list_invitations(request.dbsession),
        "now": datetime.now(UTC),
        "mode": request.microblog[REGISTRATION],
        "page_name": "admin",
    }
