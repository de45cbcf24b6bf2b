"""What changed in a post, from version to version: `/posts/{id}/versions/`."""

from __future__ import annotations

from typing import Any

from microblog.paging import Cursor, parse_id
from microblog.posts.differences import Budget, compare
from microblog.posts.resources import Versions
from microblog.posts.versions import VersionRow, list_versions
from microblog.request import Request
from microblog.web.pages import page_view
from microblog.web.paging import Keyset, read_page

VERSIONS = Keyset[VersionRow, int](lambda version: version.number, parse_id)
VERSIONS_ON_A_PAGE = 10


@page_view(context=Versions, compressed=True, renderer="templates/versions.jinja2")
def versions(versions: Versions, request: Request) -> Any:
    post = versions.post

    def fetch(cursor: Cursor, limit: int) -> Any:
        return list_versions(request.dbsession, post, cursor, limit)

    page = read_page(request, VERSIONS, fetch, size=VERSIONS_ON_A_PAGE)
    budget = Budget()
    shown = [
        (version, None if version.before is None else compare(version.before, version.body, budget))
        for version in page.rows
    ]
    return {"post": post, "page": page, "versions": shown}
