"""Timelines: home, explore, and the posts of a person on their profile."""

from __future__ import annotations

from typing import Any

from microblog.paging import Cursor
from microblog.people.queries import is_following
from microblog.people.resources import Person
from microblog.posts.forms import PostForm
from microblog.posts.paging import POSTS
from microblog.request import Request
from microblog.timelines import queries
from microblog.tree import Root
from microblog.web.pages import page_view
from microblog.web.paging import read_page


@page_view(context=Root, compressed=True, renderer="templates/home.jinja2")
def home(root: Root, request: Request) -> Any:
    me = request.identity
    if me is None:
        request.override_renderer = "templates/public.jinja2"
        return {"page": read_public_timeline(request), "page_name": "home"}

    def fetch(cursor: Cursor, limit: int) -> Any:
        return queries.list_home_posts(request.dbsession, me.id, cursor, limit)

    page = read_page(request, POSTS, fetch)
    return {"form": PostForm(request), "page": page, "page_name": "home"}


@page_view(context=Root, name="explore", compressed=True, renderer="templates/explore.jinja2")
def explore(root: Root, request: Request) -> Any:
    return {"page": read_public_timeline(request), "page_name": "explore"}


def read_public_timeline(request: Request) -> Any:
    return read_page(
        request, POSTS, lambda cursor, limit: queries.list_public_posts(request.dbsession, cursor, limit)
    )


@page_view(context=Person, compressed=True, renderer="templates/profile.jinja2")
def profile(user: Person, request: Request) -> Any:
    person = user.person
    me = None if request.identity is None else request.identity.id

    def fetch(cursor: Cursor, limit: int) -> Any:
        return queries.list_profile_posts(request.dbsession, person.id, cursor, limit)

    return {
        "person": person,
        "page": read_page(request, POSTS, fetch),
        "is_me": me == person.id,
        "i_follow": me not in (None, person.id) and is_following(request.dbsession, me or 0, person.id),
        "page_name": "profile" if me == person.id else "",
    }
