"""`/admin/audit/`: who did what to whom; `/admin/people/`: what can be done to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyramid.httpexceptions import HTTPConflict, HTTPSeeOther
from sqlalchemy import orm

from microblog.accounts import session_queries
from microblog.accounts.models import NICKNAME_LENGTH
from microblog.accounts.nicknames import NOT_ALLOWED
from microblog.i18n import Message, _, n_
from microblog.ids import get_first_id_at
from microblog.moderation import actions, queries
from microblog.moderation.actions import Case
from microblog.moderation.audit import LABELS
from microblog.moderation.forms import DeedForm, PostsForm
from microblog.moderation.queries import AuditRow, CasePost, ModeratedPerson, Wanted
from microblog.moderation.resources import AuditPage, PeoplePage, PersonPage
from microblog.moderation.rules import find_refusal
from microblog.paging import KeyCursor, parse_id
from microblog.request import Request
from microblog.texts import strip
from microblog.web.pages import page_view
from microblog.web.paging import Keyset, read_page

ENTRIES_ON_A_PAGE = 50
ENTRIES_OF_A_PERSON = 20
SUSPENDED = "suspended"
POSTS = Keyset[CasePost, int](lambda post: post.id, parse_id, goes_back=True)
PEOPLE = Keyset[ModeratedPerson, int](lambda person: person.id, parse_id, goes_back=True)
BY_ID = Keyset[AuditRow, int](lambda row: row.id, parse_id, goes_back=True)


@page_view(context=AuditPage, renderer="templates/audit.jinja2")
def list_audit(page: AuditPage, request: Request) -> Any:
    asked = {name: read_name(request, name) for name in ("person", "actor")}
    action = request.GET.get("action")
    wanted = Wanted(**asked, action=action if action in LABELS else None)

    def fetch(cursor: KeyCursor[int], limit: int) -> list[AuditRow]:
        return queries.list_audit(request.dbsession, wanted, cursor, limit)

    query = {name: value for name, value in {**asked, "action": wanted.action}.items() if value}
    listed = read_page(request, BY_ID, fetch, size=ENTRIES_ON_A_PAGE, **query)
    return {
        "rows": listed.rows,
        "labels": LABELS,
        "wanted": wanted,
        "typed": {name: NOT_ALLOWED.sub("", text or "") for name, text in asked.items()},
        "newer_url": listed.previous_url,
        "older_url": listed.next_url,
        "page_name": "admin",
    }


def read_name(request: Request, name: str) -> str | None:
    """A nickname, with or without its @; None without any."""
    return strip(request.GET.get(name, "")).removeprefix("@") or None


# People


@page_view(context=PeoplePage, renderer="templates/people.jinja2")
def list_people(page: PeoplePage, request: Request) -> Any:
    beginning = NOT_ALLOWED.sub("", strip(request.GET.get("q", "")))[:NICKNAME_LENGTH]
    only_suspended = request.GET.get("state") == SUSPENDED

    def fetch(cursor: KeyCursor[int], limit: int) -> list[ModeratedPerson]:
        session = request.dbsession
        return queries.list_people(session, beginning, cursor, limit, only_suspended=only_suspended)

    query = {"q": beginning or None, "state": SUSPENDED if only_suspended else None}
    kept = {name: value for name, value in query.items() if value}
    listed = read_page(request, PEOPLE, fetch, size=ENTRIES_ON_A_PAGE, **kept)
    return {
        "rows": listed.rows,
        "beginning": beginning,
        "only_suspended": only_suspended,
        "newer_url": listed.previous_url,
        "older_url": listed.next_url,
        "page_name": "admin",
    }


@page_view(context=PersonPage, renderer="templates/person.jinja2")
def show_person(page: PersonPage, request: Request) -> Any:
    session, person = request.dbsession, page.person
    wanted = Wanted(person=person.nickname)
    return {
        "person": person,
        "sessions": len(session_queries.list_sessions(session, person.id, "")),
        "entries": queries.list_audit(session, wanted, KeyCursor(), ENTRIES_OF_A_PERSON),
        "labels": LABELS,
        "refusal": find_refusal(request.identity, person.role),
        "deeds": [deed for deed in DEEDS.values() if deed.is_possible(person)],
        "page_name": "admin",
    }


@dataclass(frozen=True, slots=True)
class Possible:
    """What can be done to somebody: its name in addresses, its button, its question, what is said afterwards,
    and what it does."""

    name: str
    label: Message
    question: Message
    done: Message
    act: Callable[[orm.Session, Case], None]
    is_possible: Callable[[ModeratedPerson], bool]
    tells: bool = True


def is_there(person: ModeratedPerson) -> bool:
    return person.suspended_at is None


def is_suspended(person: ModeratedPerson) -> bool:
    return person.suspended_at is not None


DEEDS = {
    deed.name: deed
    for deed in (
        Possible(
            "warn",
            _("Warn"),
            _("Warn this person?"),
            _("They are warned by mail."),
            actions.warn,
            is_there,
        ),
        Possible(
            "suspend",
            _("Suspend"),
            _("Suspend this person?"),
            _("They are suspended: nobody sees anything of them, and they cannot log in."),
            actions.suspend,
            is_there,
        ),
        Possible(
            "unsuspend",
            _("End the suspension"),
            _("End the suspension of this person?"),
            _("They are there again, as they were."),
            actions.unsuspend,
            is_suspended,
        ),
        Possible(
            "end-sessions",
            _("Log out everywhere"),
            _("Log this person out everywhere?"),
            _("They are logged out everywhere."),
            actions.end_sessions,
            is_there,
            tells=False,
        ),
    )
}


class deed_view(page_view):  # noqa: N801  # a decorator, like page_view
    """A page that asks why something is done, and does it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            context=PersonPage,
            name=name,
            methods=("GET", "POST"),
            permission="moderate",
            renderer="templates/deed.jinja2",
        )


@deed_view("warn")
@deed_view("suspend")
@deed_view("unsuspend")
@deed_view("end-sessions")
def act(page: PersonPage, request: Request) -> Any:
    deed, person = DEEDS[request.view_name], page.person
    if not deed.is_possible(person):
        raise HTTPConflict(_("Somebody was quicker: this was done already. Look at their page."))
    form = DeedForm(request)
    if request.method != "POST" or not form.validate():
        if request.method == "POST":
            request.response.status_int = 422
        return {"form": form, "person": person, "deed": deed, "page_name": "admin"}
    case = Case(request.me, person.id, form.get_text("reason"), form.get_text("said"))
    deed.act(request.begin_write(), case)
    request.flash(deed.done)
    return HTTPSeeOther(location=request.link("admin", "people", person.nickname))


# Posts


POST_DEEDS: dict[str, Callable[[orm.Session, Case, Sequence[int]], int]] = {
    "hide": actions.hide_posts,
    "show": actions.show_posts,
    "delete": actions.delete_posts,
}
AN_HOUR = timedelta(hours=1)


@page_view(
    context=PersonPage,
    name="posts",
    methods=("GET", "POST"),
    permission="moderate",
    renderer="templates/posts.jinja2",
)
def change_posts(page: PersonPage, request: Request) -> Any:
    """Of one person: all, or those of the last hour."""
    person, form = page.person, PostsForm(request)
    if request.method == "POST":
        if form.validate():
            ids = [int(text) for text in form.post.data]
            case = Case(request.me, person.id, form.get_text("reason"), form.get_text("said"))
            count = POST_DEEDS[form.get_text("do")](request.begin_write(), case, ids)
            request.flash(n_("%(count)s post was changed.", "%(count)s posts were changed.", count))
            return HTTPSeeOther(location=request.link("admin", "people", person.nickname, "posts"))
        request.response.status_int = 422
    is_late = request.GET.get("since") == "hour"
    since = get_first_id_at(datetime.now(UTC) - AN_HOUR) if is_late else 0

    def fetch(cursor: KeyCursor[int], limit: int) -> list[CasePost]:
        return queries.list_posts(request.dbsession, person.id, cursor, limit, since=since)

    listed = read_page(
        request, POSTS, fetch, size=ENTRIES_ON_A_PAGE, **({"since": "hour"} if is_late else {})
    )
    return {
        "form": form,
        "person": person,
        "rows": listed.rows,
        "chosen": set(form.post.data or ()),
        "is_late": is_late,
        "newer_url": listed.previous_url,
        "older_url": listed.next_url,
        "page_name": "admin",
    }
