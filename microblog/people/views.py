"""Profiles, following, and finding people."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import notfound_view_config

from microblog.accounts.models import NICKNAME_LENGTH
from microblog.accounts.nicknames import NOT_ALLOWED, make_nickname_key
from microblog.i18n import _
from microblog.paging import parse_id
from microblog.people import actions, avatars, queries
from microblog.people.avatars import draw_identicon
from microblog.people.interfaces import get_people_search
from microblog.people.names import format_name
from microblog.people.resources import Avatar, BlockedPerson, Person, SuspendedPerson, Users
from microblog.request import Request
from microblog.security.limits.counting import count_request
from microblog.security.redirects import get_next_page
from microblog.web import errors
from microblog.web.forms import check_button
from microblog.web.pages import STATIC_SECONDS, page_view
from microblog.web.paging import Keyset, Page, read_page

MOST_QUERY_CHARACTERS = 200
TOO_LONG = _("Your search is too long: at most %(most)s characters.", most=MOST_QUERY_CHARACTERS)
SUSPENDED = _("This account is suspended.")
MOST_FOUND = 50
MOST_OFFERED = 8  # to mention
FOLLOWS_LOOKED_AT = 500
AVATAR_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

# To page backwards leads to the first page.
FOLLOWS = Keyset[queries.PersonRow, int](lambda person: person.since, parse_id)
PEOPLE = Keyset[queries.PersonRow, str](
    lambda person: make_nickname_key(person.nickname), str, onward="after"
)


def get_full_name(person: queries.PersonRow) -> str:
    return format_name(person.display_name, person.nickname)


@notfound_view_config(containment=SuspendedPerson)
def suspended(error: HTTPNotFound, request: Request) -> Any:
    """Neither their profile nor any of its pages is there."""
    return errors.make_error_page(request, 410, SUSPENDED)


@page_view(context=Person, name="followers", compressed=True, renderer="templates/follow_list.jinja2")
def followers(user: Person, request: Request) -> Any:
    return show_follow_list(user, request, "followers", queries.list_followers)


@page_view(context=Person, name="following", compressed=True, renderer="templates/follow_list.jinja2")
def following(user: Person, request: Request) -> Any:
    return show_follow_list(user, request, "following", queries.list_following)


def show_follow_list(user: Person, request: Request, kind: str, query: Any) -> dict[str, Any]:
    page = read_page(
        request,
        FOLLOWS,
        lambda cursor, limit: query(
            request.dbsession, user.person.id, cursor, limit, reader_id=request.reader_id
        ),
    )
    return {"person": user.person, "kind": kind, "page": page}


@page_view(
    context=Person,
    name="follow",
    methods=("GET", "POST"),
    permission="follow",
    repeatable=True,
    renderer="templates/follow.jinja2",
)
def follow(user: Person, request: Request) -> Any:
    return change_following(
        user, request, actions.follow, _("You follow %(name)s now.", name=get_full_name(user.person))
    )


@page_view(
    context=Person,
    name="unfollow",
    methods=("GET", "POST"),
    permission="follow",
    repeatable=True,
    renderer="templates/follow.jinja2",
)
def unfollow(user: Person, request: Request) -> Any:
    sentence = _("You no longer follow %(name)s.", name=get_full_name(user.person))
    return change_following(user, request, actions.unfollow, sentence)


@page_view(context=Person, name="card", renderer="templates/card.jinja2")
def card(user: Person, request: Request) -> Any:
    """A part of a page: app.js shows it beside links to this person."""
    return {"person": user.person, "i_follow": user.person.i_follow}


def change_following(user: Person | BlockedPerson, request: Request, change: Any, sentence: str) -> Any:
    """GET asks for confirmation; POST calls `change(session, me, them)`, and flashes the sentence."""
    if request.method != "POST":
        return {"person": user.person, "action": request.view_name, "next": get_next_page(request)}
    check_button(request)
    count_request(request, "follows")
    change(request.begin_write(), request.me.id, user.person.id)
    request.flash(sentence)
    return HTTPSeeOther(location=get_next_page(request) or request.link("users", user.__name__))


@page_view(context=Users, compressed=True, renderer="templates/people.jinja2")
def people(users: Users, request: Request) -> Any:
    q = request.GET.get("q", "").strip()
    if q:
        return find_people(request, q)
    page = read_page(
        request,
        PEOPLE,
        lambda cursor, limit: queries.list_people(
            request.dbsession, cursor, limit=limit, reader_id=request.reader_id
        ),
    )
    return {"q": q, "page": page, "page_name": "people", "message": None}


@page_view(context=Users, name="by-beginning", permission="mention", renderer="json")
def people_to_mention(users: Users, request: Request) -> Any:
    """People whose nickname begins like `q`, for app.js, which offers them behind an @."""
    q = request.GET.get("q", "")
    request.response.cache_control = "no-store"
    request.response.vary = ("Cookie",)
    if len(q) > NICKNAME_LENGTH or NOT_ALLOWED.search(q):
        return {"people": []}
    count_request(request, "suggestions")
    rows = queries.list_people_to_mention(
        request.dbsession, request.me.id, q, MOST_OFFERED, follows_looked_at=FOLLOWS_LOOKED_AT
    )
    return {
        "people": [
            {"nickname": row.nickname, "name": row.display_name, "avatar": avatars.avatar(request, row)}
            for row in rows
        ]
    }


def find_people(request: Request, q: str) -> dict[str, Any]:
    """The people found, on one page: who looks at a second one had better type more."""
    found = {"q": q, "page": Page[queries.PersonRow]([], None, None), "page_name": "people", "message": None}
    if len(q) > MOST_QUERY_CHARACTERS:
        request.response.status_int = 422
        return {**found, "message": TOO_LONG}
    count_request(request, "searches")
    rows = get_people_search(request.registry).find(
        request.dbsession, q, limit=MOST_FOUND + 1, reader_id=request.reader_id
    )
    if len(rows) > MOST_FOUND:
        found["message"] = _("These are the first %(most)s. Type more to find others.", most=MOST_FOUND)
    return {**found, "page": Page(rows[:MOST_FOUND], None, None)}


@page_view(
    context=Avatar, compressed=True, permission=NO_PERMISSION_REQUIRED
)  # does not load the identity, either
def avatar(picture: Avatar, request: Request) -> Any:
    response = Response(
        draw_identicon(picture.key),
        content_type="image/svg+xml",
        charset="utf-8",
        cache_control=f"public, max-age={STATIC_SECONDS}, immutable",
    )
    response.headers["Content-Security-Policy"] = AVATAR_POLICY  # its style is inside it
    return response
