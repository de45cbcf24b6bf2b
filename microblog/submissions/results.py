"""A form that is sent twice is done once, and answered twice.

Every form has a random `key`. The result of a POST with a key is a row in `form_results`, written in the same
transaction. The transaction begins with that row, before the action: when the same form comes again, by a
double click or because the answer was lost, its row collides with that of the first copy, so it does nothing
and gets the same answer. So does a copy that was refused because the first one was quicker ("this nickname
is taken").

Two forms are the same when path, token, key and all fields are equal. The token must have been made for a
cookie of this browser, even if the session has ended since. So nobody is given another person's answer, and
a second copy logs in only somebody who has sent the password again.
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

from microblog.call_sites import passes_on
from microblog.formdata import CHUNK_BYTES, Upload
from microblog.i18n import _
from microblog.request import Request
from microblog.security.csrf import get_posted_token, is_form_of_this_browser, unmask
from microblog.security.settings import SECRET
from microblog.submissions import queries
from microblog.submissions.interfaces import get_log_ins
from microblog.submissions.kept import forget_kept_form
from microblog.web.errors import make_error_page
from microblog.web.flash import ACCEPTED, list_new_messages, replace_new_messages
from microblog.web.forms import FORM_KEY

SENT_TWICE = _("You have sent this form twice, and the first one is being answered.")


class SentTwice(Exception):
    """The same form was sent twice, and the other copy was quicker."""


def make_form_key(request: Request) -> str:
    """The key of all forms of this page, random and with the id of the person: `request.form_key`."""
    key = secrets.token_urlsafe(16)
    return key if request.identity is None else f"{key}.{request.identity.id}"


def compute_form_fingerprint(request: Request) -> str | None:
    """The same for all copies of a form: `request.form_fingerprint`.

    None when the form has no key, or is not this browser's.
    """
    # Each page masks the token otherwise, and a script sends the form of an earlier page once more. A field
    # for files without any is an empty text, or, from a script, none.
    token = unmask(get_posted_token(request)).hex()
    fields = [
        (name, token if name == "csrf_token" else describe_value(value))
        for name, value in request.POST.items()
        if value != ""
    ]
    key = request.POST.get("key", "")
    if not isinstance(key, str) or not FORM_KEY.fullmatch(key) or not is_form_of_this_browser(request):
        return None
    url = [request.script_name, request.path_info, request.query_string]
    text = json.dumps(["form", url, token, fields])
    return hmac.new(request.microblog[SECRET].encode(), text.encode(), hashlib.sha256).hexdigest()


def describe_value(value: str | Upload) -> Any:
    """The text of a field, or what tells a file from any other."""
    if isinstance(value, str):
        return value
    value.file.seek(0)
    digest = hashlib.sha256()
    while piece := value.file.read(CHUNK_BYTES):
        digest.update(piece)
    return ["file", value.filename, digest.hexdigest()]


def note_log_in(request: Request, user_id: int, *, remembered: bool, verified: str) -> None:
    """Note that this request logs somebody in, and so do its copies while the password hash is the same."""
    request.logged_in = queries.LoggedIn(user_id, remembered, verified)


def result_deriver(view: Callable[[Any, Any], Any], info: Any) -> Callable[[Any, Any], Any]:
    """Records the result of a form in its transaction.

    Not for views with `repeatable=True`: doing them twice is the same as once, and people who come back to
    such a form after another one want it done again.
    """
    if not info.options.get("page"):
        return view
    repeatable = bool(info.options.get("repeatable"))

    @passes_on
    def with_result(context: Any, request: Request) -> Any:
        request.is_done_once = not repeatable
        response = view(context, request)
        # A view that wrote nothing (the person was logged in already) has no result to repeat.
        if request.is_writing:
            note_result(request, response)
        return response

    return with_result


result_deriver.options = ("page", "repeatable")  # type: ignore[attr-defined]


def claim_form(request: Request, session: orm.Session) -> None:
    """Before the action: a second copy of a form waits here for the first, and then is not done.

    :raises SentTwice: when the same form has a result already.
    """
    fingerprint = request.form_fingerprint if request.is_done_once else None
    if fingerprint is None:
        return
    if not queries.claim(session, fingerprint, get_log_ins(request.registry).get_password_hash):
        raise SentTwice(SENT_TWICE)


def note_result(request: Request, response: Any) -> None:
    """Write the result of the form into the row that `claim_form` has inserted."""
    fingerprint = request.form_fingerprint
    if response.status_int == HTTPSeeOther.code:
        forget_kept_form(request)
        if fingerprint is not None:
            request.flash(request.POST["key"], ACCEPTED)
            if request.is_done_once:
                result = queries.Result(response.location, list_new_messages(request), request.logged_in)
                queries.set_result(request.dbsession, fingerprint, result)
    elif fingerprint is not None and request.is_done_once:
        queries.release(request.dbsession, fingerprint)


@exception_view_config(context=SentTwice)
def sent_twice(error: SentTwice, request: Request) -> Any:
    """Shown only if the result of the other copy is gone again: otherwise `replay` answers."""
    return make_error_page(request, 409, str(error))


def replay(request: Request) -> Any:
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
    replace_new_messages(request, result.messages)
    return response


def includeme(config: Any) -> None:
    config.add_request_method(make_form_key, "form_key", reify=True)
    config.add_request_method(compute_form_fingerprint, "form_fingerprint", reify=True)
    config.add_check_before_writing("form", claim_form)
    config.add_view_deriver(result_deriver, name="result", under="canonical")
