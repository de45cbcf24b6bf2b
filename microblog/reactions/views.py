"""Liking, boosting and bookmarking posts, and the lists of it."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPGone, HTTPSeeOther

from microblog.accounts.resources import Account
from microblog.i18n import _
from microblog.paging import Cursor, parse_id
from microblog.people.queries import PersonRow
from microblog.posts.resources import PostPage
from microblog.reactions import queries
from microblog.reactions.actions import PostGone
from microblog.reactions.buttons import count_boosts, count_likes
from microblog.reactions.deeds import DEEDS
from microblog.reactions.models import Bookmark, Boost, Like
from microblog.request import Request
from microblog.security.limits.counting import count_request
from microblog.security.redirects import get_next_page
from microblog.web.forms import check_button
from microblog.web.pages import page_view
from microblog.web.paging import Keyset, Page, read_page

POST_DELETED = _("This post was deleted.")

# To page backwards leads to the first page.
PEOPLE = Keyset[PersonRow, int](lambda person: person.since, parse_id)
POSTS = Keyset[queries.ReactedPost, int](lambda row: row.since, parse_id)


def react(page: PostPage, request: Request) -> Any:
    """GET asks; POST does what the last word of the address says, and leads back to the post on its page."""
    deed = DEEDS[request.view_name]
    if request.method != "POST":
        return {"post": page.post, "name": request.view_name, "deed": deed, "next": get_next_page(request)}
    check_button(request)
    count_request(request, deed.limit)
    try:
        deed.do(request.begin_write(), request.me.id, page.post.id)
    except PostGone:
        raise HTTPGone(POST_DELETED) from None
    target = get_next_page(request) or request.link("posts", page.post.id)
    return HTTPSeeOther(location=target if "#" in target else f"{target}#reactions-{page.post.id}")


for name in DEEDS:
    react = page_view(
        context=PostPage,
        name=name,
        methods=("GET", "POST"),
        permission="write",
        repeatable=True,
        renderer="templates/react.jinja2",
    )(react)


@page_view(context=PostPage, name="likes", compressed=True, renderer="templates/people.jinja2")
def likes(page: PostPage, request: Request) -> Any:
    return show_people(page, request, "likes", Like)


@page_view(context=PostPage, name="boosts", compressed=True, renderer="templates/people.jinja2")
def boosts(page: PostPage, request: Request) -> Any:
    return show_people(page, request, "boosts", Boost)


def show_people(post: PostPage, request: Request, kind: str, table: queries.Table) -> dict[str, Any]:
    def fetch(cursor: Cursor, limit: int) -> list[PersonRow]:
        return queries.list_people_who(
            request.dbsession, table, post.post.id, cursor, limit, reader_id=request.reader_id
        )

    return {
        "post": post.post,
        "kind": kind,
        "page": read_page(request, PEOPLE, fetch),
        "likes": count_likes(post.post.likes_count),
        "boosts": count_boosts(post.post.boosts_count),
    }


@page_view(context=Account, name="likes", renderer="templates/mine.jinja2")
def my_likes(account: Account, request: Request) -> Any:
    return show_my_posts(request, "likes", Like)


@page_view(context=Account, name="bookmarks", renderer="templates/mine.jinja2")
def my_bookmarks(account: Account, request: Request) -> Any:
    return show_my_posts(request, "bookmarks", Bookmark)


def show_my_posts(request: Request, kind: str, table: queries.Table) -> dict[str, Any]:
    def fetch(cursor: Cursor, limit: int) -> list[queries.ReactedPost]:
        return queries.list_my_posts(request.dbsession, table, request.me.id, cursor, limit)

    page = read_page(request, POSTS, fetch)
    rows = [row.post for row in page.rows]
    return {"kind": kind, "page": Page(rows, page.next_url, page.previous_url)}
