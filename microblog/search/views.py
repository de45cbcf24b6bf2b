"""`/search`: posts and people, and how to find them."""

from __future__ import annotations

from typing import Any

from babel import Locale

from microblog.i18n import _
from microblog.paging import Cursor, Found
from microblog.people.interfaces import get_people_search
from microblog.posts import queries
from microblog.posts.languages import list_names
from microblog.posts.paging import POSTS
from microblog.request import Request
from microblog.search.highlighting import Highlighter
from microblog.search.interfaces import RANKED_HITS, SearchUnavailable, get_search
from microblog.search.language import MAX_QUERY_CHARACTERS, MOST_TERMS, MOST_WORDS, Query, parse
from microblog.search.queries import list_unknown_nicknames
from microblog.search.remarks import Kind, Remark
from microblog.search.resources import Search
from microblog.search.stemming import STEMMERS
from microblog.security.limits.counting import count_request
from microblog.web.languages import list_items
from microblog.web.pages import PAGE_SIZE, page_view
from microblog.web.paging import Page, read_page

MOST_PEOPLE = 5
MOST_PAGES_LOOKED_THROUGH = 10
RETRY_SECONDS = 60  # what the page says: in a minute
TOO_LONG = _("Your search is too long: at most %(most)s characters.", most=MAX_QUERY_CHARACTERS)


LIMITS = {
    "most_characters": MAX_QUERY_CHARACTERS,
    "most_terms": MOST_TERMS,
    "most_words": MOST_WORDS,
    "ranked_hits": RANKED_HITS,
}


@page_view(context=Search, compressed=True, renderer="templates/search.jinja2")
def search(resource: Search, request: Request) -> Any:
    q = request.GET.get("q", "").strip()
    by = "relevance" if request.GET.get("by") == "relevance" else "newest"
    found = {"q": q, "by": by, "page": None, "people": [], "message": None, "page_name": "search", **LIMITS}
    if len(q) > MAX_QUERY_CHARACTERS:
        request.response.status_int = 422
        return {**found, "message": TOO_LONG}
    query = parse(q)
    if not query:
        return {**found, "remarks": query.remarks}
    count_request(request, "searches")
    found["remarks"] = [*query.remarks, *find_nobodies(request, query)]
    if query.is_words_alone:
        search_people = get_people_search(request.registry).find
        found["people"] = search_people(request.dbsession, q, limit=MOST_PEOPLE, reader_id=request.reader_id)
    try:
        page = find_best_posts(request, query) if by == "relevance" else find_newest_posts(request, query, q)
    except SearchUnavailable as error:
        request.response.status_int = 503
        request.response.headers["Retry-After"] = str(RETRY_SECONDS)
        return {**found, "message": str(error)}
    return {**found, "page": page, "highlighter": Highlighter(query)}


@page_view(context=Search, name="help", compressed=True, renderer="templates/help.jinja2")
def show_help(resource: Search, request: Request) -> Any:
    return {**LIMITS, "languages_with_forms": list_items(request, list_languages_with_forms(request.locale))}


def list_languages_with_forms(locale: Locale) -> list[str]:
    """The languages whose word forms search knows, in the order of the alphabet."""
    return [language.name for language in list_names(locale, frozenset(STEMMERS))]


def find_nobodies(request: Request, query: Query) -> list[Remark]:
    """A remark on each nickname of the query that nobody has or had."""
    nicknames = [nickname for nickname in (query.author, *query.excluded_authors) if nickname]
    if not nicknames:
        return []
    return [Remark(Kind.NOBODY, name) for name in list_unknown_nicknames(request.dbsession, nicknames)]


def find_newest_posts(request: Request, query: Query, q: str) -> Page[queries.PostRow]:
    """The posts that match, page by page.

    Ids of deleted posts, and of posts of people whom the reader does not see, are neither shown nor counted.
    Where there are very many of those the page is short, and leads on from where it has looked.
    """
    adapter = get_search(request.registry)
    reader_id = request.reader_id

    def fetch(cursor: Cursor, limit: int) -> Found[queries.PostRow]:
        posts: list[queries.PostRow] = []
        for _page in range(MOST_PAGES_LOOKED_THROUGH):
            wanted = limit - len(posts)
            ids = adapter.search(request.dbsession, query, cursor, wanted, reader_id)
            posts += queries.list_posts_by_id(request.dbsession, ids, reader_id)
            if len(ids) < wanted or len(posts) == limit:
                return Found(posts)
            cursor = Cursor(after=ids[-1]) if cursor.after is not None else Cursor(before=ids[-1])
        return Found(posts, looked_until=ids[-1])

    return read_page(request, POSTS, fetch, q=q)


def find_best_posts(request: Request, query: Query) -> Page[queries.PostRow]:
    """One page of the posts that match best; there is no second page in this order."""
    ids = get_search(request.registry).ranked(request.dbsession, query, request.microblog[PAGE_SIZE])
    return Page(queries.list_posts_by_id(request.dbsession, ids, request.reader_id), None, None)
