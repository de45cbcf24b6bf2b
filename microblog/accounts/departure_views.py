"""Deleting one's account: `/account/delete`."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from microblog.accounts import actions, departure_queries, queries
from microblog.accounts.forms import DeletionForm
from microblog.accounts.present_password import verify_present_password
from microblog.accounts.resources import Account
from microblog.accounts.settings import DELETION_DAYS
from microblog.i18n import Message, _
from microblog.request import Request
from microblog.security.cookies import SESSION_COOKIE, delete_cookie
from microblog.security.limits.tries import give_back
from microblog.web.pages import page_view

log = logging.getLogger(__name__)

LAST_ADMIN = _(
    "You are the only admin here, and nobody could look after the site any more. Make somebody else an admin "
    "first, or ask them to log in if they are about to leave, too."
)

GONE = _("You are logged out, and your account is deleted.")


@page_view(
    context=Account,
    name="delete",
    methods=("GET", "POST"),
    permission="edit",
    renderer="templates/delete_account.jinja2",
)
def delete_account(account: Account, request: Request) -> Any:
    """Asks for the password. The account is deleted some days later, unless one logs in until then."""
    me, form = request.me, DeletionForm(request)
    if request.method != "POST":
        is_last = me.is_admin and departure_queries.is_last_admin(request.dbsession, me.id)
        return make_deletion_page(request, form, refusal=LAST_ADMIN if is_last else None)
    if not form.validate():
        return make_deletion_page(request, form, status=422)
    with request.registry.database.read() as session:
        verified = queries.get_password_hash(session, me.id)
    made = verify_present_password(request, form, verified)
    if made is None or verified is None:
        return make_deletion_page(request, form, status=422)
    days = request.microblog[DELETION_DAYS]
    session = request.begin_write()
    give_back(session, made)
    try:
        due = actions.leave(session, me.id, days=days, verified=verified)
    except actions.LastAdmin:
        request.give_up_write()
        return make_deletion_page(request, form, refusal=LAST_ADMIN, status=422)
    if not days:
        actions.go(session, me.id)
    log.info("Account to be deleted: user %d, from %s", me.id, request.remote_addr)
    request.flash(describe_departure(request, due) if days else GONE)
    response = HTTPSeeOther(location=request.link())
    delete_cookie(request, response, SESSION_COOKIE)
    return response


def describe_departure(request: Request, due: datetime) -> Message:
    return _(
        "You are logged out. Your account will be deleted on %(when)s. To keep it, log in before.",
        when=request.times.moment(due).striptags(),
    )


def make_deletion_page(
    request: Request, form: DeletionForm, *, refusal: Message | None = None, status: int = 200
) -> dict[str, Any]:
    request.response.status_int = status
    days = request.microblog[DELETION_DAYS]
    return {"form": form, "refusal": refusal, "days": days, "page_name": "account"}
