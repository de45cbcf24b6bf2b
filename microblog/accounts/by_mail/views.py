"""Confirm an address or a sign-up, ask for a new password, and choose it.

A GET of a link changes nothing: mail programs open links before their reader does.
"""

from __future__ import annotations

import logging
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from microblog.accounts import passwords
from microblog.accounts.by_mail import actions, outbox, queries
from microblog.accounts.by_mail.actions import EmailTaken, LinkInvalid
from microblog.accounts.by_mail.forms import ForgottenForm, NewPasswordForm
from microblog.accounts.by_mail.resources import ConfirmLink, ResetLink, ResetPassword
from microblog.accounts.log_in_checks import find_log_in_refusal
from microblog.accounts.resources import Account
from microblog.accounts.settings import APPROVAL, CONFIRMATIONS, REGISTRATION, RESET
from microblog.accounts.sign_up_checks import find_reason_to_wait
from microblog.addresses import make_email_key
from microblog.i18n import Message, _
from microblog.outbox.queries import write
from microblog.request import Request
from microblog.security.limits.counting import count_request
from microblog.tree import Root
from microblog.web.forms import check_button
from microblog.web.pages import page_view

log = logging.getLogger(__name__)

CONFIRMED = _("Your address is confirmed.")
HAS_ACCOUNT = _("There is an account with your address already. Log in.")
NEW_PASSWORD = _("Your new password is set. Log in with it.")


@page_view(context=Root, name="check-mail", renderer="templates/check_mail.jinja2")
def check_mail(root: Root, request: Request) -> Any:
    """The same for everybody: nobody learns from it whether an address has an account."""
    return {"page_name": "check-mail"}


@page_view(context=ConfirmLink, methods=("GET", "POST"), renderer="templates/confirm.jinja2")
def confirm(link: ConfirmLink, request: Request) -> Any:
    with request.registry.database.read() as session:
        sign_up = queries.find_sign_up(session, link.token)
        owner = None if sign_up else queries.find_link(session, queries.CONFIRM, link.token)
    if sign_up is None and owner is None:
        return make_dead_end(request)
    if request.method != "POST":
        found: Any = sign_up or owner
        return {
            "token": link.token,
            "is_sign_up": sign_up is not None,
            "nickname": found.nickname,
            "page_name": "",
        }
    check_button(request)
    try:
        return finish_sign_up(link, request, sign_up) if sign_up else finish_confirmation(link, request)
    except LinkInvalid:  # since the look above
        request.give_up_write()
        return make_dead_end(request)


def finish_confirmation(link: ConfirmLink, request: Request) -> Any:
    actions.confirm_address(request.begin_write(), link.token)
    request.flash(CONFIRMED)
    return HTTPSeeOther(location=request.link() if request.identity else request.link("login"))


def finish_sign_up(link: ConfirmLink, request: Request, sign_up: queries.SignUp) -> Any:
    """Does not log in: who opens the link may be somebody else than who chose the password."""
    mode = request.microblog[REGISTRATION]
    reason = find_reason_to_wait(request, sign_up.nickname, sign_up.email)
    if reason is not None:
        log.info("A sign-up waits for an admin: %s", reason)
        mode = APPROVAL
    ending = request.registry.sign_up_endings.get(mode)
    if ending is not None:
        return ending(link, request)
    try:
        created = actions.finish_sign_up(request.begin_write(), link.token)
    except EmailTaken:
        request.give_up_write()
        request.flash(HAS_ACCOUNT, "info")
    else:
        request.flash(make_welcome(created))
    return HTTPSeeOther(location=request.link("login"))


def make_welcome(created: actions.Created) -> Message:
    if created.nickname == created.wanted:
        return _(
            "Welcome, %(nickname)s! Log in with the password that you have chosen.",
            nickname=created.nickname,
        )
    return _(
        "Welcome! Somebody else has become %(wanted)s meanwhile, so you are %(nickname)s, which you can "
        "change in your profile. Log in with the password that you have chosen.",
        wanted=created.wanted,
        nickname=created.nickname,
    )


def make_dead_end(request: Request) -> dict[str, Any]:
    request.response.status_int = 404
    request.override_renderer = "microblog.accounts:by_mail/templates/dead_link.jinja2"
    return {"page_name": ""}


@page_view(
    context=Account,
    name="confirm-address",
    methods=("GET", "POST"),
    permission="edit",
    renderer="templates/confirm_address.jinja2",
)
def confirm_address(account: Account, request: Request) -> Any:
    """Whether one's address is confirmed, and the mail once more."""
    me = request.me
    if request.method != "POST":
        with request.registry.database.read() as session:
            is_confirmed = queries.is_confirmed(session, me.id)
        return {"email": me.email, "is_confirmed": is_confirmed, "page_name": "account"}
    check_button(request)
    count_request(request, CONFIRMATIONS)
    session = request.begin_write()
    if not queries.is_confirmed(session, me.id):
        actions.write_confirmation(session, me.id, language=request.language.tag)
        request.flash(_("The mail is on its way to you."))
    return HTTPSeeOther(location=request.link("account", "confirm-address"))


@page_view(context=ResetPassword, methods=("GET", "POST"), renderer="templates/forgotten.jinja2")
def forgotten(resource: ResetPassword, request: Request) -> Any:
    form = ForgottenForm(request)
    if request.method != "POST":
        return {"form": form, "page_name": "login"}
    if not form.validate():
        request.response.status_int = 422
        return {"form": form, "page_name": "login"}
    email = form.get_text("email")
    key = make_email_key(email)
    count_request(request, RESET, account=key)
    payload = {"email": email, "language": request.language.tag}
    # The same for every address, so that it takes as long.
    write(request.begin_write(), outbox.KIND, [actions.make_cause(key)], payload=payload)
    log.info("A link for a new password was asked for, from %s", request.remote_addr)
    return HTTPSeeOther(location=request.link("check-mail"))


@page_view(context=ResetLink, methods=("GET", "POST"), renderer="templates/new_password.jinja2")
def new_password(link: ResetLink, request: Request) -> Any:
    with request.registry.database.read() as session:
        owner = queries.find_link(session, queries.RESET, link.token)
    if owner is None:
        return make_dead_end(request)
    form = NewPasswordForm(request, owner)
    page = {"form": form, "token": link.token, "nickname": owner.nickname, "page_name": "login"}
    if request.method != "POST":
        return page
    refusal = find_log_in_refusal(request, owner.user_id) if form.validate() else None
    if refusal is not None:
        form.form_errors.append(refusal)
    if form.errors:
        request.response.status_int = 422
        return page
    password_hash = passwords.hash_password(form.get_text("password"))
    try:
        user_id = actions.reset_password(request.begin_write(), link.token, password_hash)
    except LinkInvalid:  # since the look above
        request.give_up_write()
        return make_dead_end(request)
    log.info("A new password by mail: user %d, from %s", user_id, request.remote_addr)
    request.flash(NEW_PASSWORD)
    return HTTPSeeOther(location=request.link("login"))
