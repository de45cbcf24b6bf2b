"""`/admin/audit/`: who did what to whom; `/admin/people/`, `/admin/posts/`: what can be done to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from microblog.moderation.forms import MOST_POSTS, DeedForm, PostsForm
from microblog.moderation.prevention import leads_to, list_urls, shorten
from microblog.moderation.queries import AuditRow, CasePost, ModeratedPerson, Wanted
from microblog.moderation.report_actions import POST_DEEDS
from microblog.moderation.report_queries import list_cases_of
from microblog.moderation.resources import AuditPage, PeoplePage, PersonPage, PostsPage
from microblog.moderation.rules import find_refusal
from microblog.paging import Found, KeyCursor, parse_id
from microblog.posts.resources import PostPage
from microblog.request import Request
from microblog.texts import strip
from microblog.web.pages import page_view
from microblog.web.paging import Keyset, read_page

ENTRIES_ON_A_PAGE = 50
ENTRIES_OF_A_PERSON = 20
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


STATES: Mapping[str, Message] = {
    queries.NEW: _("New this week"),
    queries.SILENT: _("Have written nothing"),
    queries.LIMITED: _("Not in lists and search"),
    queries.SUSPENDED: _("Suspended"),
    queries.REPORTED: _("Reported"),
    queries.NEVER_CONFIRMED: _("Have not confirmed their address"),
}


@page_view(context=PeoplePage, renderer="templates/people.jinja2")
def list_people(page: PeoplePage, request: Request) -> Any:
    beginning = NOT_ALLOWED.sub("", strip(request.GET.get("q", "")))[:NICKNAME_LENGTH]
    state = request.GET.get("state", "")
    state = state if state in STATES else ""

    def fetch(cursor: KeyCursor[int], limit: int) -> Found[ModeratedPerson]:
        return queries.list_people(request.dbsession, beginning, state, datetime.now(UTC), cursor, limit)

    kept = {name: value for name, value in {"q": beginning, "state": state}.items() if value}
    listed = read_page(request, PEOPLE, fetch, size=ENTRIES_ON_A_PAGE, **kept)
    return {
        "rows": listed.rows,
        "beginning": beginning,
        "states": STATES,
        "chosen": state,
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
        "cases": [] if person.id == request.me.id else list_cases_of(session, person.id, ENTRIES_OF_A_PERSON),
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


def is_always(person: ModeratedPerson) -> bool:
    return True


def is_listed(person: ModeratedPerson) -> bool:
    return is_there(person) and not person.is_limited


def is_limited(person: ModeratedPerson) -> bool:
    return is_there(person) and person.is_limited


def has_address(person: ModeratedPerson) -> bool:
    return is_there(person) and person.email is not None


def has_pictures(person: ModeratedPerson) -> bool:
    return is_there(person) and bool(person.avatar or person.header)


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
            "limit",
            _("Take out of lists"),
            _("Take this person out of lists and search?"),
            _("They are in no list of everybody, and not found; whoever follows them still sees them."),
            actions.limit,
            is_listed,
        ),
        Possible(
            "unlimit",
            _("Put into lists again"),
            _("Put this person into lists and search again?"),
            _("They are in lists and search again."),
            actions.unlimit,
            is_limited,
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
        Possible(
            "new-password",
            _("Ask for a new password"),
            _("Have this person choose a new password?"),
            _("They are logged out, and get a link to choose a new password."),
            actions.force_new_password,
            has_address,
        ),
        Possible(
            "remove-pictures",
            _("Remove the pictures"),
            _("Remove the pictures of this profile?"),
            _("The pictures of the profile are removed."),
            actions.remove_pictures,
            has_pictures,
        ),
        Possible(
            "delete",
            _("Delete the account"),
            _("Delete this account for good? This cannot be undone."),
            _("The account is deleted; what is left of it goes within minutes."),
            actions.delete,
            is_always,
        ),
        Possible(
            "note",
            _("Write a note"),
            _("Write a note about this person?"),
            _("Your note is there."),
            actions.write_note,
            is_always,
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
@deed_view("limit")
@deed_view("unlimit")
@deed_view("new-password")
@deed_view("remove-pictures")
@deed_view("delete")
@deed_view("note")
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
    there = ("",) if deed.act is actions.delete else (person.nickname,)
    return HTTPSeeOther(location=request.link("admin", "people", *there))


# Posts


AN_HOUR = timedelta(hours=1)
MOST_LINK_CHARACTERS = 1000
REFUSED_POSTS = _("Posts of admins, of yourself and, unless you are an admin, of moderators are as before.")


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
    is_late, one = request.GET.get("since") == "hour", parse_id(request.GET.get("post", ""))
    since = get_first_id_at(datetime.now(UTC) - AN_HOUR) if is_late else 0

    sent = list_sent(form) if one is None else [one]

    def fetch(cursor: KeyCursor[int], limit: int) -> list[CasePost]:
        if sent:  # what was chosen is seen again, wherever it stood
            posts = queries.list_posts_by_id(request.dbsession, sent)
            return [post for post in posts if post.author_id == person.id]
        return queries.list_posts(request.dbsession, person.id, cursor, limit, since=since)

    listed = read_page(
        request, POSTS, fetch, size=ENTRIES_ON_A_PAGE, **({"since": "hour"} if is_late else {})
    )
    chosen = {str(one)} if one is not None and not form.post.data else set(form.post.data or ())
    return {
        "form": form,
        "person": person,
        "rows": listed.rows,
        "chosen": chosen,
        "is_late": is_late,
        "one": one,
        "newer_url": listed.previous_url,
        "older_url": listed.next_url,
        "page_name": "admin",
    }


def list_sent(form: PostsForm) -> list[int]:
    """The posts that were chosen in a form that is shown again."""
    found = (parse_id(text) for text in (form.post.data or ())[:MOST_POSTS])
    return [post_id for post_id in found if post_id is not None]


@page_view(context=PostPage, name="moderate", permission="moderate")
def moderate_post(page: PostPage, request: Request) -> Any:
    """From its page to what can be done with it."""
    post = page.post
    return HTTPSeeOther(location=request.link("admin", "people", post.author, "posts", post=post.id))


@page_view(
    context=PostsPage,
    methods=("GET", "POST"),
    permission="moderate",
    renderer="templates/linking_posts.jinja2",
)
def change_linking_posts(page: PostsPage, request: Request) -> Any:
    """Posts of whomever that link to a site, or to an address that begins like this."""
    form = PostsForm(request)
    wanted = shorten(request.GET.get("link", "")[:MOST_LINK_CHARACTERS])
    here: dict[str, Any] = {"link": wanted} if wanted else {}
    if request.method == "POST":
        if form.validate():
            count, refused = change_posts_of_many(request, form)
            request.flash(n_("%(count)s post was changed.", "%(count)s posts were changed.", count))
            if refused:
                request.flash(REFUSED_POSTS, "info")
            return HTTPSeeOther(location=request.link("admin", "posts", "", **here))
        request.response.status_int = 422

    def has_link(body: str) -> bool:
        return any(leads_to(shorten(url), wanted) for url in list_urls(body))

    sent = list_sent(form)

    def fetch(cursor: KeyCursor[int], limit: int) -> Sequence[CasePost]:
        if sent:
            return queries.list_posts_by_id(request.dbsession, sent)
        return queries.list_posts_with(request.dbsession, has_link, cursor, limit) if wanted else []

    listed = read_page(request, POSTS, fetch, size=ENTRIES_ON_A_PAGE, **here)
    return {
        "form": form,
        "wanted": wanted,
        "rows": listed.rows,
        "chosen": set(form.post.data or ()),
        "newer_url": listed.previous_url,
        "older_url": listed.next_url,
        "page_name": "admin",
    }


def change_posts_of_many(request: Request, form: PostsForm) -> tuple[int, bool]:
    """How many posts were changed, and whether some were not, since I may not act on their authors."""
    session, count, is_refused = request.begin_write(), 0, False
    ids = [int(text) for text in form.post.data]
    for author_id, own in queries.find_authors(session, ids).items():
        case = Case(request.me, author_id, form.get_text("reason"), form.get_text("said"))
        try:
            count += POST_DEEDS[form.get_text("do")](session, case, own)
        except actions.Refused:
            is_refused = True
    return count, is_refused
