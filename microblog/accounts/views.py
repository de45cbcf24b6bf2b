"""Sign up, log in, log out, edit one's profile.

Passwords are hashed and verified before `request.begin_write()` opens the write transaction.
"""

from __future__ import annotations

import logging
from typing import Any

from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther

from microblog.accounts import actions, passwords, queries
from microblog.accounts.by_mail.actions import sign_up, write_confirmation
from microblog.accounts.by_mail.queries import SignUp
from microblog.accounts.forms import TAKEN_EMAIL, TAKEN_NICKNAME, LoginForm, ProfileForm, RegisterForm
from microblog.accounts.log_in_checks import find_log_in_refusal
from microblog.accounts.new_browsers import write_about_new_browser
from microblog.accounts.portraits import FormPortraits
from microblog.accounts.registrations import queries as waiting
from microblog.accounts.registrations.actions import AlreadyWaiting, wait_for_approval
from microblog.accounts.registrations.texts import HELD, INVITATION_USED, NOT_INVITED, WAITS
from microblog.accounts.resources import Account
from microblog.accounts.sessions import begin_session
from microblog.accounts.settings import APPROVAL, CLOSED, INVITE, LOG_IN, REGISTRATION, SIGN_UP
from microblog.accounts.sign_up_checks import find_reason_to_wait
from microblog.i18n import _, n_
from microblog.mail.settings import leaves_by_server
from microblog.measuring import count
from microblog.media.actions import PictureGone
from microblog.request import Request
from microblog.security.cookies import SESSION_COOKIE, delete_cookie
from microblog.security.limits.counting import check_room, count_request
from microblog.security.limits.tries import begin_try, give_back
from microblog.security.redirects import get_next_page
from microblog.submissions import kept
from microblog.submissions.results import note_log_in
from microblog.tree import Root
from microblog.web.forms import check_button
from microblog.web.pages import page_view

log = logging.getLogger(__name__)

TOO_MANY_NICKNAMES = n_(
    "You have had %(count)s nickname, which stays yours. Choose it.",
    "You have had %(count)s nicknames, which all stay yours. Choose one of them.",
    queries.MOST_NICKNAMES,
)
WRONG_LOGIN = _("This nickname or e-mail address and this password do not match.")


@page_view(context=Root, name="register", methods=("GET", "POST"), renderer="templates/register.jinja2")
def register(root: Root, request: Request) -> Any:
    mode = request.microblog[REGISTRATION]
    if mode == CLOSED:
        raise HTTPForbidden(_("Signing up is closed here."))
    if request.identity is not None:
        return HTTPSeeOther(location=request.link())
    has_rules = request.registry.site_texts.exists("rules")
    form = RegisterForm(request, asks_for_rules=has_rules, invite=request.GET.get("invite", ""))
    if mode == INVITE:
        check_invitation(request, form.get_text("invite"))
    if request.method != "POST":
        return make_register_page(request, form)
    form.validate()
    offer = offer_nickname(request, form.nickname)
    # Where mail reaches people, whose address it is they are told by mail.
    is_by_mail = leaves_by_server(request.microblog)
    if not form.errors and not is_by_mail:
        with request.registry.database.read() as session:
            email = form.get_text("email")
            if queries.is_email_taken(session, email) or waiting.is_email_waiting(session, email):
                form.email.errors = [TAKEN_EMAIL]
    if form.errors:
        return make_register_page(request, form, offer=offer, status=422)
    check_room(request, SIGN_UP)
    password_hash = passwords.hash_password(form.get_text("password"))
    count_request(request, SIGN_UP)
    if mode == INVITE and not waiting.use_invitation(request.begin_write(), form.get_text("invite")):
        raise HTTPForbidden(INVITATION_USED)  # somebody else has taken the last use since the check above
    wanted = SignUp(form.get_text("nickname"), form.get_text("email"), password_hash)
    if is_by_mail:
        sign_up(request.begin_write(), wanted, language=request.language.tag)
        return HTTPSeeOther(location=request.link("check-mail"))
    reason = find_reason_to_wait(request, wanted.nickname, wanted.email)
    if mode == APPROVAL or reason is not None:
        return sign_up_and_wait(request, form, wanted, reason)
    return sign_up_at_once(request, form, password_hash)


def check_invitation(request: Request, token: str) -> None:
    """:raises HTTPForbidden: when nobody may sign up by it."""
    if not token:
        raise HTTPForbidden(NOT_INVITED)
    with request.registry.database.read() as session:
        if not waiting.is_invited(session, token):
            raise HTTPForbidden(INVITATION_USED)


def sign_up_and_wait(request: Request, form: RegisterForm, wanted: SignUp, reason: str | None) -> Any:
    try:
        wait_for_approval(request.begin_write(), wanted, language=request.language.tag)
    except (queries.EmailTaken, AlreadyWaiting):  # since the check above
        request.give_up_write()
        form.email.errors = [TAKEN_EMAIL]
        return make_register_page(request, form, status=422)
    if reason is not None:
        log.info("A sign-up waits for an admin: %s", reason)
    request.flash(WAITS if reason is None else HELD)
    return HTTPSeeOther(location=request.link("login"))


def sign_up_at_once(request: Request, form: RegisterForm, password_hash: str) -> Any:
    """Where mail reaches nobody: they are logged in, and confirm their address when it does."""
    try:
        user_id = actions.create_account(
            request.begin_write(),
            form.get_text("nickname"),
            email=form.get_text("email"),
            password_hash=password_hash,
        )
    except queries.NicknameTaken:  # since the check above
        request.give_up_write()
        form.nickname.errors = [TAKEN_NICKNAME]
        return make_register_page(request, form, offer=offer_nickname(request, form.nickname), status=422)
    except queries.EmailTaken:
        request.give_up_write()
        form.email.errors = [TAKEN_EMAIL]
        return make_register_page(request, form, status=422)
    write_confirmation(request.begin_write(), user_id, language=request.language.tag)
    request.flash(_("Welcome! You are signed up, and logged in."))
    return log_in(request, user_id, remembered=False, verified=password_hash)


def make_register_page(
    request: Request, form: RegisterForm, *, offer: str | None = None, status: int = 200
) -> dict[str, Any]:
    request.response.status_int = status
    return {
        "form": form,
        "offer": offer,
        "next": get_next_page(request),
        "page_name": "register",
        "mode": request.microblog[REGISTRATION],
    }


def offer_nickname(request: Request, field: Any, own_id: int | None = None) -> str | None:
    """Refuse a nickname that is taken; returns a free one whenever the nickname is refused."""
    with request.registry.database.read() as session:
        if not field.errors:
            owner = queries.find_owner_id(session, field.data)
            is_free = owner is None and not waiting.is_nickname_waiting(session, field.data)
            if is_free or (owner is not None and owner == own_id):
                return None
            field.errors = [TAKEN_NICKNAME]
        if not field.data:
            return None
        return queries.make_unique_nickname(session, field.data, own_id)


@page_view(context=Root, name="login", methods=("GET", "POST"), renderer="templates/login.jinja2")
def login(root: Root, request: Request) -> Any:
    if request.identity is not None:
        return HTTPSeeOther(location=get_next_page(request) or request.link())
    form = LoginForm(request)
    if request.method != "POST":
        return make_login_page(request, form)
    if not form.validate():
        return make_login_page(request, form, status=422)
    with request.registry.database.read() as session:
        found = queries.get_credentials(session, form.get_text("nickname"))
        waits = None if found else waiting.find_password_hash(session, form.get_text("nickname"))
    user_id, password_hash = found or (0, waits)
    made = begin_try(request, LOG_IN, queries.make_login_key(form.get_text("nickname")), user_id or None)
    if not passwords.verify_password(password_hash, form.get_text("password")):
        # Never log the typed text: it may be a password in the wrong field.
        log.info("Log-in failed: %s, from %s", f"user {user_id}" if found else "nobody", request.remote_addr)
        count(request.registry, "logins", result="failed")
        form.form_errors.append(WRONG_LOGIN)
        return make_login_page(request, form, status=422)
    sent = kept.read_carried_form(request)
    is_somebody_elses = sent is not None and not sent.may_be_shown_to(user_id)
    refusal = WAITS if waits is not None else find_log_in_refusal(request, user_id)
    if refusal is None and is_somebody_elses:
        refusal = kept.SOMEBODY_ELSES
    if refusal is not None:
        with request.registry.database.write() as session:
            give_back(session, made)
        form.form_errors.append(refusal)
        return make_login_page(request, form, status=422)
    verified = str(password_hash)
    if passwords.needs_rehash(verified, form.get_text("password")):
        fresh = passwords.hash_password(form.get_text("password"))
        queries.replace_hash(request.begin_write(), user_id, verified=verified, fresh=fresh)
        verified = fresh
    response = log_in(request, user_id, remembered=form.remember_me.data, verified=verified)
    if sent is not None:
        response.location = kept.keep(request, user_id, sent)
    give_back(request.begin_write(), made)
    write_about_new_browser(request, request.begin_write(), user_id)
    queries.delete_reset_links(request.begin_write(), user_id)
    log.info("Logged in: user %d, from %s", user_id, request.remote_addr)
    count(request.registry, "logins", result="done")
    return response


def make_login_page(request: Request, form: LoginForm, *, status: int = 200) -> dict[str, Any]:
    """Also the response to a form when its sender has to log in first (`microblog.submissions`)."""
    request.response.status_int = status
    carries_form = status == 422 and kept.read_carried_form(request) is not None
    return {
        "form": form,
        "next": get_next_page(request),
        "recovered": request.kept_form.recovered if request.kept_form else (),
        "is_still_kept": carries_form and kept.SOMEBODY_ELSES not in form.form_errors,
        "page_name": "login",
    }


def log_in(request: Request, user_id: int, *, remembered: bool, verified: str) -> Any:
    """Log the person in, and redirect to `next`.

    :raises StaleData: when the hash of their password is no longer `verified`.
    """
    response = HTTPSeeOther(location=get_next_page(request) or request.link())
    begin_session(request, request.begin_write(), response, user_id, remembered=remembered, verified=verified)
    note_log_in(request, user_id, remembered=remembered, verified=verified)
    return response


@page_view(context=Root, name="logout", methods=("GET", "POST"), renderer="templates/logout.jinja2")
def logout(root: Root, request: Request) -> Any:
    if request.identity is None:
        return HTTPSeeOther(location=request.link())
    if request.method != "POST":
        return {"page_name": "logout"}
    check_button(request)
    queries.end_session(request.begin_write(), request.identity.session)
    request.flash(_("You are logged out."), "info")
    response = HTTPSeeOther(location=request.link())
    delete_cookie(request, response, SESSION_COOKIE)
    return response


@page_view(
    context=Account,
    name="profile",
    methods=("GET", "POST"),
    permission="edit",
    repeatable=True,
    renderer="templates/edit_profile.jinja2",
)
def edit_profile(account: Account, request: Request) -> Any:
    me = request.me
    if request.method != "POST":
        profile, present = queries.get_whole_profile(request.dbsession, me.id)
        form = ProfileForm(request, **profile._asdict())
        return make_profile_page(request, form, FormPortraits(request, form, present))
    form = ProfileForm(request)
    form.validate()
    offer = offer_nickname(request, form.nickname, me.id)
    portraits = FormPortraits(request, form, queries.get_whole_profile(request.dbsession, me.id)[1])
    portraits.receive()
    if form.errors:
        return make_profile_page(request, form, portraits, offer=offer, status=portraits.status)
    try:
        actions.change_profile(
            request.begin_write(),
            me.id,
            nickname=form.get_text("nickname"),
            display_name=form.get_text("display_name"),
            about_me=form.get_text("about_me"),
            pictures=actions.ChosenPictures(portraits.new, portraits.removed),
        )
    except queries.TooManyNicknames:
        request.give_up_write()
        form.nickname.errors = [TOO_MANY_NICKNAMES]
        return make_profile_page(request, form, portraits, status=422)
    except queries.NicknameTaken:  # since the check above
        request.give_up_write()
        form.nickname.errors = [TAKEN_NICKNAME]
        offer = offer_nickname(request, form.nickname, me.id)
        return make_profile_page(request, form, portraits, offer=offer, status=422)
    except PictureGone:  # since it was looked up
        request.give_up_write()
        portraits.refuse_gone()
        return make_profile_page(request, form, portraits, status=portraits.status)
    request.flash(_("Your profile has been saved."))
    return HTTPSeeOther(location=request.link("users", form.nickname.data))


def make_profile_page(
    request: Request,
    form: ProfileForm,
    portraits: FormPortraits,
    *,
    offer: str | None = None,
    status: int = 200,
) -> dict[str, Any]:
    request.response.status_int = status
    return {
        "form": form,
        "offer": offer,
        "portraits": portraits.list_shown(),
        "most_megabytes": portraits.most_megabytes,
        "page_name": "account",
    }
