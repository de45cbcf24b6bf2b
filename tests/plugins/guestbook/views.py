"""The pages of the guestbook, and one of microblog's in another way."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther

from microblog.request import Request
from microblog.tree import Root
from microblog.web.pages import page_view
from tests.plugins.guestbook import actions, queries
from tests.plugins.guestbook.forms import SignatureForm
from tests.plugins.guestbook.resources import Guestbook, GuestbookAdmin
from tests.plugins.guestbook.settings import OPEN


@page_view(context=Guestbook, renderer="templates/guestbook.jinja2")
def show(guestbook: Guestbook, request: Request) -> Any:
    return page(request, SignatureForm(request))


@page_view(context=Guestbook, methods=("POST",), permission="sign", renderer="templates/guestbook.jinja2")
def sign(guestbook: Guestbook, request: Request) -> Any:
    if not request.microblog[OPEN]:
        raise HTTPForbidden("The guestbook is closed.")
    form = SignatureForm(request)
    if not form.validate():
        request.response.status_int = 422
        return page(request, form)
    actions.sign(request.begin_write(), request.me.id, form.get_text("signature"))
    request.flash("Thank you for your line.")
    return HTTPSeeOther(location=request.link("guestbook", ""))


def page(request: Request, form: SignatureForm) -> dict[str, Any]:
    signatures = queries.list_signatures(request.dbsession)
    return {"form": form, "signatures": signatures, "page_name": "guestbook"}


@page_view(context=GuestbookAdmin, renderer="templates/admin.jinja2")
def show_count(admin: GuestbookAdmin, request: Request) -> Any:
    return {"count": queries.count_signatures(request.dbsession)}


@page_view(context=Root, name="explore")
def explore(root: Root, request: Request) -> Any:
    """Replaces the view of microblog: /explore shows the guestbook."""
    return HTTPSeeOther(location=request.link("guestbook", ""))
