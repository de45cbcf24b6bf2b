"""A form that is sent twice is done once, and answered twice.

Every form has a random `key`. What a POST with a key led to is a row in `form_results`, written in the
transaction of what it did. The transaction begins with the row, before its action: when the same form comes
again, by a double click or because the answer was lost, its own row meets that of its twin, it does nothing,
and gets the same answer. So it does when it was refused because its twin was quicker ("this nickname is
taken").

What counts as the same form: its path, its token, its key and all of its fields. The token must have been
made for a cookie of this browser, also if the session has ended since. So nobody is given another's answer,
and who is logged in by a second copy has sent the password once more.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import exception_view_config
from sqlalchemy import orm

from microblog.request import Request
from microblog.security.csrf import is_form_of_this_browser, posted_token
from microblog.security.settings import SECRET
from microblog.submissions import queries
from microblog.submissions.interfaces import get_log_ins
from microblog.submissions.kept import forget_kept_form
from microblog.web.errors import error_page
from microblog.web.flash import ACCEPTED, said, say_only
from microblog.web.forms import FORM_KEY

SENT_TWICE = "You have sent this form twice, and the first one is being answered."


class SentTwice(Exception):
    """The same form was sent a second time, and the other one was quicker."""


def form_key(request: Request) -> str:
    """The key of all forms of this page: random, and for whom it was made. A request method, made once."""
    key = secrets.token_urlsafe(16)
    return key if request.identity is None else f"{key}.{request.identity.id}"


def form_fingerprint(request: Request) -> str | None:
    """What the same form has in common each time it comes; None when it has no key, or is not this browser's.

    A request method, computed once. A form with a file has none.
    """
    fields = [*request.POST.items()]
    if not all(isinstance(value, str) for _, value in fields):
        return None
    if not FORM_KEY.fullmatch(request.POST.get("key", "")) or not is_form_of_this_browser(request):
        return None
    where = [request.script_name, request.path_info, request.query_string]
    text = json.dumps(["form", where, posted_token(request), fields])
    return hmac.new(request.microblog[SECRET].encode(), text.encode(), hashlib.sha256).hexdigest()


def note_log_in(request: Request, user_id: int, *, remembered: bool, verified: str) -> None:
    """This request logs somebody in: so does its twin, for as long as they have this password hash."""
    request.logged_in = queries.LoggedIn(user_id, remembered, verified)


def result_deriver(view: Callable[[Any, Any], Any], info: Any) -> Callable[[Any, Any], Any]:
    """Writes down what a form led to, in the transaction of what it did.

    Not of views that say `repeatable=True`: to do it twice is to do it once, and who comes back to such a
    form after another one wants it done again.
    """
    if not info.options.get("page"):
        return view
    repeatable = bool(info.options.get("repeatable"))

    def with_result(context: Any, request: Request) -> Any:
        request.is_done_once = not repeatable
        response = view(context, request)
        # Of what wrote nothing (who logs in is logged in already) there is nothing to do twice.
        if request.is_writing:
            note_result(request, response)
        return response

    return with_result


result_deriver.options = ("page", "repeatable")  # type: ignore[attr-defined]


def claim_form(request: Request, session: orm.Session) -> None:
    """The same form is done once: what comes a second time waits here for the first, and goes no further.

    :raises SentTwice: when the same form has a result already.
    """
    fingerprint = request.form_fingerprint if request.is_done_once else None
    if fingerprint is None:
        return
    if not queries.claim(session, fingerprint, get_log_ins(request.registry).get_password_hash):
        raise SentTwice(SENT_TWICE)


def note_result(request: Request, response: Any) -> None:
    """What the form led to goes into its row, which `claim_form` has made."""
    fingerprint = request.form_fingerprint
    if response.status_int == HTTPSeeOther.code:
        forget_kept_form(request)
        if fingerprint is not None:
            request.flash(request.POST["key"], ACCEPTED)
            if request.is_done_once:
                result = queries.Result(response.location, said(request), request.logged_in)
                queries.set_result(request.dbsession, fingerprint, result)
    elif fingerprint is not None and request.is_done_once:
        queries.release(request.dbsession, fingerprint)


@exception_view_config(context=SentTwice)
def sent_twice(error: SentTwice, request: Request) -> Any:
    """Seen only if the result of the other one is gone again: `replayed` comes first."""
    return error_page(request, 409, str(error))


def replayed(request: Request) -> Any:
    """The answer that the same form got before; None when there is none for this browser."""
    if request.form_fingerprint is None:
        return None
    database, log_ins = request.registry.database, get_log_ins(request.registry)
    with database.read() as session:
        result = queries.get_result(session, request.form_fingerprint, log_ins.get_password_hash)
    if result is None:
        return None
    response = HTTPSeeOther(location=result.location)
    if result.logged_in is not None:
        me, them = request.identity, result.logged_in
        if me is None:
            with database.write() as session:
                log_ins.begin_session(
                    request,
                    session,
                    response,
                    them.user_id,
                    remembered=them.remembered,
                    verified=them.verified,
                )
        elif me.id != them.user_id:
            return None
    say_only(request, result.messages)
    return response


def includeme(config: Any) -> None:
    config.add_request_method(form_key, reify=True)
    config.add_request_method(form_fingerprint, reify=True)
    config.add_check_before_writing("form", claim_form)
    config.add_view_deriver(result_deriver, name="result", under="canonical")
