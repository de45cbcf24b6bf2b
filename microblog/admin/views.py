"""The list of the pages for admins."""

from __future__ import annotations

from typing import Any

from microblog.admin.resources import Admin, list_admin_pages
from microblog.request import Request
from microblog.web.pages import page_view


@page_view(context=Admin, renderer="templates/pages.jinja2")
def show_pages(admin: Admin, request: Request) -> Any:
    pages = [(page.label, request.link("admin", page.name, "")) for page in list_admin_pages(request)]
    return {"pages": pages}
