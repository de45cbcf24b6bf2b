"""`/account/email`, and the links in the mails to the new address and to the former one.

A GET of a link changes nothing: mail programs open links before their reader does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from sqlalchemy import orm

from microblog.accounts import queries as account_queries
from microblog.accounts.by_mail.actions import LinkInvalid
from microblog.accounts.by_mail.queries import Owner, is_confirmed
from microblog.accounts.by_mail.views import make_dead_end
from microblog.accounts.models import AddressChange, FormerAddress
from microblog.accounts.new_address import actions, queries
from microblog.accounts.new_address.forms import EmailForm, KeepForm
from microblog.accounts.new_address.resources import FormerAddressLink, NewAddressLink
from microblog.accounts.present_password import verify_present_password
from microblog.accounts.queries import EmailTaken
from microblog.accounts.resources import Account
from microblog.accounts.settings import ADDRESS_CHANGES
from microblog.i18n import _, join_sentences
from microblog.request import Request
from microblog.security.limits.counting import count_request
from microblog.security.limits.tries import give_back
from microblog.web.forms import check_button
from microblog.web.pages import page_view

log = logging.getLogger(__name__)

TAKEN_MEANWHILE = _("Somebody else has this address by now. Nothing was changed.")


@page_view(
    context=Account,
    name="email",
    methods=("GET", "POST"),
    permission="edit",
    renderer="templates/email.jinja2",
)
def change_email(account: Account, request: Request) -> Any:
    """Ask for another address. Who knows the password may; nobody learns whether it has an account."""
    me = request.me
    if "keep" in request.POST:
        return keep_email(request)
    form = EmailForm(request)
    if request.method != "POST":
        return make_page(request, form)
    if not form.validate():
        return make_page(request, form, status=422)
    with request.registry.database.read() as session:
        verified = account_queries.get_password_hash(session, me.id)
    made = verify_present_password(request, form, verified)
    if made is None:
        return make_page(request, form, status=422)
    count_request(request, ADDRESS_CHANGES)
    session = request.begin_write()
    give_back(session, made)
    email, language = form.get_text("email"), request.language.tag
    actions.ask_for_change(session, me.id, me.nickname, email, language=language)
    log.info("Another address was asked for: user %d, from %s", me.id, request.remote_addr)
    request.flash(_("A mail is on its way to the new address. Open the link in it."))
    return HTTPSeeOther(location=request.link("account", "email"))


def keep_email(request: Request) -> Any:
    form = KeepForm(request)
    if not form.validate():
        raise HTTPBadRequest(join_sentences(*form.form_errors))
    queries.delete_change(request.begin_write(), request.me.id)
    request.flash(_("Your address stays as it is."))
    return HTTPSeeOther(location=request.link("account", "email"))


def make_page(request: Request, form: EmailForm, *, status: int = 200) -> dict[str, Any]:
    request.response.status_int = status
    me = request.me
    with request.registry.database.read() as session:
        wanted, confirmed = queries.find_wanted(session, me.id), is_confirmed(session, me.id)
    return {
        "form": form,
        "email": me.email,
        "wanted": wanted,
        "is_confirmed": confirmed,
        "page_name": "account",
    }


@page_view(context=NewAddressLink, methods=("GET", "POST"), renderer="templates/new_address.jinja2")
def confirm_new_address(link: NewAddressLink, request: Request) -> Any:
    def finish(owner: Owner, user_id: int) -> Any:
        log.info("Another address: user %d, from %s", user_id, request.remote_addr)
        request.flash(_("%(nickname)s has a new e-mail address.", nickname=owner.nickname))
        return go_on(request)

    return follow_link(request, AddressChange, link.token, actions.change_address, finish)


@page_view(context=FormerAddressLink, methods=("GET", "POST"), renderer="templates/former_address.jinja2")
def restore_former_address(link: FormerAddressLink, request: Request) -> Any:
    def finish(owner: Owner, restored: actions.Restored) -> Any:
        log.info("The former address is back: user %d, from %s", restored.user_id, request.remote_addr)
        request.flash(_("Your address is back, and everybody is logged out. Choose a new password now."))
        return HTTPSeeOther(location=request.link("reset-password", restored.token))

    return follow_link(request, FormerAddress, link.token, actions.restore_address, finish)


def follow_link(
    request: Request,
    model: type[AddressChange | FormerAddress],
    token: str,
    act: Callable[[orm.Session, str], Any],
    finish: Callable[[Owner, Any], Any],
) -> Any:
    """A GET asks; the button does `act`, and `finish` answers it. Whoever opens a link without being logged
    in logs in next."""
    with request.registry.database.read() as session:
        owner = queries.find_link(session, model, token)
    if owner is None:
        return make_dead_end(request)
    if request.method != "POST":
        return {"token": token, "owner": owner, "page_name": ""}
    check_button(request)
    try:
        done = act(request.begin_write(), token)
    except LinkInvalid:  # since the look above
        request.give_up_write()
        return make_dead_end(request)
    except EmailTaken:
        request.give_up_write()
        request.flash(TAKEN_MEANWHILE, "info")
        return go_on(request)
    return finish(owner, done)


def go_on(request: Request) -> Any:
    return HTTPSeeOther(
        location=request.link("account", "email") if request.identity else request.link("login")
    )
