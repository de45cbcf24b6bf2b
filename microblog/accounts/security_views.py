"""Who can use an account: `/account/password` and `/account/sessions`."""

from __future__ import annotations

import logging
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther

from microblog.accounts import passwords, queries, session_queries
from microblog.accounts.browsers import describe_browser
from microblog.accounts.forms import PasswordForm, SessionForm
from microblog.accounts.present_password import verify_present_password
from microblog.accounts.resources import Account
from microblog.accounts.sessions import begin_session
from microblog.accounts.settings import SESSION_HOURS
from microblog.i18n import _, join_sentences, n_
from microblog.request import Request
from microblog.security.limits.tries import give_back
from microblog.submissions.results import note_log_in
from microblog.web.pages import page_view

log = logging.getLogger(__name__)


@page_view(
    context=Account,
    name="password",
    methods=("GET", "POST"),
    permission="edit",
    renderer="templates/password.jinja2",
)
def change_password(account: Account, request: Request) -> Any:
    """A new password, for whoever knows the present one. All sessions end; this browser gets another."""
    me, form = request.me, PasswordForm(request)
    if request.method != "POST":
        return make_password_page(request, form)
    if not form.validate():
        return make_password_page(request, form, status=422)
    with request.registry.database.read() as session:
        verified = queries.get_password_hash(session, me.id)
        is_remembered = session_queries.is_remembered(session, me.session, request.microblog[SESSION_HOURS])
    made = verify_present_password(request, form, verified)
    if verified is None or made is None:
        return make_password_page(request, form, status=422)
    fresh = passwords.hash_password(form.get_text("new_password"))
    session = request.begin_write()
    give_back(session, made)
    session_queries.change_password(session, me.id, verified=verified, fresh=fresh)
    log.info("Password changed: user %d, from %s", me.id, request.remote_addr)
    request.flash(_("Your password is changed. Everywhere else you are logged out."))
    response = HTTPSeeOther(location=request.link("account", ""))
    begin_session(request, session, response, me.id, remembered=is_remembered, verified=fresh)
    note_log_in(request, me.id, remembered=is_remembered, verified=fresh)
    return response


def make_password_page(request: Request, form: PasswordForm, *, status: int = 200) -> dict[str, Any]:
    request.response.status_int = status
    return {"form": form, "page_name": "account"}


@page_view(
    context=Account,
    name="sessions",
    methods=("GET", "POST"),
    permission="edit",
    repeatable=True,
    renderer="templates/sessions.jinja2",
)
def sessions(account: Account, request: Request) -> Any:
    """The browsers in which one is logged in; each can be logged out, or all of the others."""
    me = request.me
    if request.method != "POST":
        rows = session_queries.list_sessions(request.dbsession, me.id, me.session)
        return {"sessions": rows, "describe_browser": describe_browser, "page_name": "account"}
    form = SessionForm(request)
    if not form.validate():
        raise HTTPBadRequest(join_sentences(*form.form_errors))
    key = form.get_text("session")
    if not key:
        count = session_queries.end_other_sessions(request.begin_write(), me.id, me.session)
        request.flash(n_("%(count)s browser was logged out.", "%(count)s browsers were logged out.", count))
    elif session_queries.end_own_session(request.begin_write(), me.id, key):
        request.flash(_("That browser is logged out."))
    else:
        request.flash(_("That browser had been logged out already."), "info")
    return HTTPSeeOther(location=request.link("account", "sessions"))
