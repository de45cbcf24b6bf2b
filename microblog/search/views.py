"""`/search`: posts and people."""

from __future__ import annotations

from typing import Any

from microblog.paging import Cursor
from microblog.people.queries import list_people
from microblog.posts import queries
from microblog.posts.paging import POSTS
from microblog.request import Request
from microblog.search.highlighting import Highlighter
from microblog.search.interfaces import SearchUnavailable, get_search
from microblog.search.language import MAX_QUERY_CHARACTERS, Query, parse
from microblog.security.limits.counting import count_request
from microblog.tree import Root
from microblog.web.pages import PAGE_SIZE, page_view
from microblog.web.paging import Page, read_page

MOST_PEOPLE = 5
RETRY_SECONDS = 60  # what the page says: in a minute
TOO_LONG = f"Your search is too long: at most {MAX_QUERY_CHARACTERS} characters."


@page_view(context=Root, name="search", compressed=True, renderer="templates/search.jinja2")
def search(root: Root, request: Request) -> Any:
    q = request.GET.get("q", "").strip()
    by = "relevance" if request.GET.get("by") == "relevance" else "newest"
    found = {"q": q, "by": by, "page": None, "people": [], "message": None, "page_name": "search"}
    if len(q) > MAX_QUERY_CHARACTERS:
        request.response.status_int = 422
        return {**found, "message": TOO_LONG}
    query = parse(q)
    if not query:
        return found
    count_request(request, "searches")
    if len(q.split()) == 1:
        me = request.identity
        found["people"] = list_people(
            request.dbsession, q, limit=MOST_PEOPLE, reader_id=None if me is None else me.id
        )
    try:
        page = find_best_posts(request, query) if by == "relevance" else find_newest_posts(request, query, q)
    except SearchUnavailable as error:
        request.response.status_int = 503
        request.response.headers["Retry-After"] = str(RETRY_SECONDS)
        return {**found, "message": str(error)}
    return {**found, "page": page, "highlighter": Highlighter(query)}


def find_newest_posts(request: Request, query: Query, q: str) -> Page[queries.PostRow]:
    """The posts that match, page by page; ids of deleted posts are neither shown nor counted."""
    adapter = get_search(request.registry)
    reader_id = None if request.identity is None else request.identity.id

    def fetch(cursor: Cursor, limit: int) -> list[queries.PostRow]:
        posts: list[queries.PostRow] = []
        while True:
            wanted = limit - len(posts)
            ids = adapter.search(request.dbsession, query, cursor, wanted, reader_id)
            posts += queries.list_posts_by_id(request.dbsession, ids)
            if len(ids) < wanted or len(posts) == limit:
                return posts
            cursor = Cursor(after=ids[-1]) if cursor.after is not None else Cursor(before=ids[-1])

    return read_page(request, POSTS, fetch, q=q)


def find_best_posts(request: Request, query: Query) -> Page[queries.PostRow]:
    """One page of the posts that match best; there is no second page in this order."""
    ids = get_search(request.registry).ranked(request.dbsession, query, request.microblog[PAGE_SIZE])
    return Page(queries.list_posts_by_id(request.dbsession, ids), None, None)
