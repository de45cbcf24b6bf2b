"""The list of the pages for admins."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from microblog.admin.resources import Admin, list_admin_pages
from microblog.request import Request
from microblog.web.pages import page_view


@page_view(context=Admin, renderer="templates/pages.jinja2")
def show_pages(admin: Admin, request: Request) -> Any:
    """A single page needs no list, and is shown itself."""
    pages = [
        (page.label, request.link("admin", page.name, "")) for page in list_admin_pages(request.registry)
    ]
    if len(pages) == 1:
        return HTTPSeeOther(location=pages[0][1])
    return {"pages": pages}
