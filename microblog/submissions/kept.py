"""Forms that are shown again, filled in and not sent.

A person who sends a form after their session has ended gets the log-in page, which carries the form in a
hidden field. The log-in writes it to `kept_forms` and redirects to the page of the form with `?kept=TOKEN`,
where every form fills itself (`microblog.web.forms.Form`). A form whose token is too old is shown again at
once.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from itsdangerous import BadData, URLSafeSerializer

from microblog.formdata import MOST_CHARACTERS
from microblog.i18n import _, join_sentences
from microblog.request import MAX_BODY, Request
from microblog.security.cookies import SESSION_COOKIE, get_cookie_name
from microblog.security.identity import Identity, hash_token
from microblog.security.redirects import check_next
from microblog.security.settings import SECRET
from microblog.submissions import queries
from microblog.submissions.queries import Pairs
from microblog.tree import SEGMENT_SAFE, Resource
from microblog.tree import get_path as path_of_page
from microblog.web.forms import FORM_KEY

MOST_BYTES = 20_000  # of text, in UTF-8, that a log-in page carries
ROOM_FOR_THE_LOG_IN = 5_000  # characters of the other fields of the log-in form
LONGEST_NAME = 100  # characters; no field of ours has a longer one
CARRIED = "carried"  # the hidden field of the log-in form
KEPT = "kept"  # the parameter of the address
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
COPIED = "copied"  # the token of a form that was too long to be kept
UNDONE = (("undone", "1"),)  # in the query of a form that was taken back

NEVER_KEPT = frozenset({"csrf_token", "key", KEPT})
PASSWORD = re.compile("passw", re.I)
NOT_TYPED = frozenset({"next", CARRIED})

TOO_OLD = _(
    "This page was too old (or your browser keeps no cookies), so nothing was done. "
    "Look through the form and send it again."
)
LOGGED_IN_MEANWHILE = _("You are logged in. This form was not sent yet: look through it and send it.")
LOGGED_OUT = _("You have been logged out.")
NOT_LOGGED_IN = _("You are not logged in.")
FIND_IT = _("Log in, and you will find what you wrote, not yet sent.")
BE_ASKED = _("Nothing was done. Log in, and you will be asked again.")
COPY_IT = _("What you wrote is too long to be kept while you log in: copy it first.")
PASTE_IT = _("You are logged in. Nothing was sent: if your text is not here, paste what you have copied.")
TAKEN_BACK = _("You have taken it back before anybody else could see it. Here is your text, not sent.")
GONE = _("What you had written waits here no longer: it was sent, or you logged in more than an hour ago.")
SOMEBODY_ELSES = _(
    "What this page keeps was written by another account, and only that one can find it by logging in here. "
    "To log in as somebody else, choose “Log in” above; it is lost then."
)
LOGGED_IN_AS_ANOTHER = _(
    "In this browser another account is logged in. Log out there, and then log in here: "
    "what you wrote is still kept."
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent: its path (quoted, below the mount point), query and fields.

    `owner` is the id of the person for whom its page was made; None for a visitor's.
    """

    path: str
    query: str
    fields: Pairs
    owner: int | None = None

    def may_be_shown_to(self, user_id: int) -> bool:
        """A person's text is not shown to another one who uses the same browser."""
        return self.owner in (None, user_id)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the form of a page is filled with, and what the page says about it.

    `token` is set when the form is kept in the database. `recovered` are (label, text) of texts to be copied
    by hand. `is_there` is false when there is nothing to fill the form with, although the person expects it.
    """

    fields: Pairs
    notice: str
    kind: str = "error"
    token: str = ""
    recovered: Pairs = ()
    is_there: bool = True


def get_path(request: Request) -> str:
    return quote(request.path_info, safe=f"/{SEGMENT_SAFE}")


def read_sent_form(request: Request) -> Sent:
    """The form of this request with the fields that may be shown again: no password, no file, no token."""
    fields = [
        (name, value)
        for name, value in request.POST.items()
        if isinstance(value, str)
        and name not in NEVER_KEPT
        and not PASSWORD.search(name)
        and len(name) <= LONGEST_NAME
    ]
    query = [pair for pair in parse_qsl(request.query_string, keep_blank_values=True) if pair[0] != KEPT]
    return Sent(get_path(request), urlencode(query), fields, find_form_owner(request))


def find_form_owner(request: Request) -> int | None:
    """The id of the person for whom the form's page was made.

    It is not signed: people who change it only show their own text to somebody else.
    """
    key = request.POST.get("key")
    match = FORM_KEY.fullmatch(key) if isinstance(key, str) else None
    return int(match["owner"]) if match and match["owner"] else None


def resolve_path(request: Request, sent: Sent) -> Sent:
    """The form with the canonical path of its page, once the request has found that page."""
    page = getattr(request, "context", None)
    if not isinstance(page, Resource) or request.subpath:
        return sent
    return replace(sent, path=path_of_page(request, page, request.view_name))


def list_typed(request: Request, sent: Sent) -> Pairs:
    """(label, text) of the fields that a person has typed."""
    labels = request.registry.recovered_fields
    return [(labels.get(name, name), value) for name, value in sent.fields if name not in NOT_TYPED]


# On the log-in page


def make_serializer(request: Request) -> URLSafeSerializer:
    # Change the salt whenever the signed value changes: log-in pages stay open during an upgrade.
    return URLSafeSerializer(request.microblog[SECRET], salt="carried form")


def build_log_in_form(request: Request, sent: Sent) -> Kept:
    """The log-in form that carries the form that was sent."""
    was_logged_in = sent.owner is not None or get_cookie_name(request, SESSION_COOKIE) in request.cookies
    why = LOGGED_OUT if was_logged_in else NOT_LOGGED_IN
    value = sign_form(request, sent)
    bytes_of_text = sum(len(text.encode()) for _, text in list_typed(request, sent))
    room = min(MOST_CHARACTERS, request.microblog[MAX_BODY]) - ROOM_FOR_THE_LOG_IN
    if bytes_of_text > MOST_BYTES or len(value) > room:
        # The parameter makes the page say that its form is to be pasted.
        next_url = build_address(request, sent, COPIED)
        texts = [(label, text) for label, text in list_typed(request, sent) if text]
        return Kept([("next", next_url)], join_sentences(why, COPY_IT), recovered=texts)
    has_text = any(text for _, text in list_typed(request, sent))
    return Kept([(CARRIED, value)], join_sentences(why, FIND_IT if has_text else BE_ASKED))


def sign_form(request: Request, sent: Sent) -> str:
    return str(make_serializer(request).dumps([sent.path, sent.query, [*sent.fields], sent.owner]))


def read_carried_form(request: Request) -> Sent | None:
    """The form that the log-in form of this request carries; None without one that we have signed."""
    value = request.POST.get(CARRIED)
    if not isinstance(value, str) or not value:
        return None
    try:
        path, query, fields, owner = make_serializer(request).loads(value)
        return Sent(path, query, [(name, value) for name, value in fields], owner)
    except (BadData, TypeError, ValueError):
        return None


def keep(request: Request, user_id: int, sent: Sent) -> str:
    """Keep the form in the transaction of the log-in, or of what takes it back.

    It returns the address at which the person finds it.
    """
    token = secrets.token_urlsafe(32)
    queries.keep(request.begin_write(), hash_token(token), user_id, sent.path, sent.fields)
    return build_address(request, sent, token)


def build_address(request: Request, sent: Sent, token: str) -> str:
    path = f"{request.script_name}{sent.path}"
    with_query = check_next(f"{path}?{sent.query}&{KEPT}={token}") if sent.query else None
    return with_query or check_next(f"{path}?{KEPT}={token}") or request.link()


# On the page of the form


def find_kept_form(request: Request) -> Kept | None:
    """The form that is kept for this person under `?kept=` of this address: `request.kept_form`."""
    if request.method not in ("GET", "HEAD") or KEPT not in request.GET:
        return None
    me: Identity | None = request.identity
    if me is None:
        return None
    token = request.GET[KEPT]
    if token == COPIED:
        return Kept((), PASTE_IT, "info", is_there=False)
    fields = None
    if TOKEN.fullmatch(token):
        with request.registry.database.read() as session:
            fields = queries.find_kept_fields(session, hash_token(token), me.id, get_path(request))
    if fields is None:
        return Kept((), GONE, "info", is_there=False)
    was_undone = all(pair in request.GET.items() for pair in UNDONE)
    return Kept(fields, TAKEN_BACK if was_undone else LOGGED_IN_MEANWHILE, "info", token)


def find_kept_token(request: Request) -> str:
    """`request.kept_token`, for the hidden field by which a kept form is deleted once it was sent; or ""."""
    if request.method != "POST":
        # Only if it was read already: most pages do not need it.
        kept: Kept | None = vars(request).get("kept_form")
        return "" if kept is None else kept.token
    if not request.has_read_form:
        return ""  # an error page does not read the form
    token = request.POST.get(KEPT)
    return token if isinstance(token, str) and TOKEN.fullmatch(token) else ""


def forget_kept_form(request: Request) -> None:
    """Delete the kept form from which the form of this request came, now that it has been done."""
    token = find_kept_token(request)
    if token and request.identity is not None:
        queries.forget(request.begin_write(), hash_token(token), request.identity.id, get_path(request))


def includeme(config: Any) -> None:
    config.add_request_method(find_kept_form, "kept_form", reify=True)
    config.add_request_method(find_kept_token, "kept_token", property=True)
