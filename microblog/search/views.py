"""`/search`: posts and people."""

from __future__ import annotations

from typing import Any

from microblog.pages import page_view
from microblog.people.queries import people
from microblog.posts import queries
from microblog.posts.paging import Cursor, page_of_posts
from microblog.search.interfaces import SearchUnavailable
from microblog.search.language import MAX_QUERY_CHARACTERS, parse
from microblog.tree import Root

MOST_PEOPLE = 5
TOO_LONG = f"Your search is too long: at most {MAX_QUERY_CHARACTERS} characters."


@page_view(context=Root, name="search", renderer="search/search.jinja2")
def search(root: Root, request: Any) -> Any:
    q = request.GET.get("q", "").strip()
    found = {"q": q, "page": None, "people": [], "message": None, "page_name": "search"}
    if len(q) > MAX_QUERY_CHARACTERS:
        request.response.status_int = 422
        return {**found, "message": TOO_LONG}
    query = parse(q)
    if not query:
        return found
    if len(q.split()) == 1:
        me = request.identity
        found["people"] = people(
            request.dbsession, q, limit=MOST_PEOPLE, reader_id=None if me is None else me.id
        )

    def fetch(cursor: Cursor, limit: int) -> list[queries.PostRow]:
        ids = request.registry.search.search(request.dbsession, query, cursor, limit)
        return queries.posts_by_id(request.dbsession, ids)

    try:
        return {**found, "page": page_of_posts(request, fetch, q=q)}
    except SearchUnavailable as error:
        request.response.status_int = 503
        return {**found, "message": str(error)}
