"""By whom one is found, and what others see of one's visits: `/account/privacy`.

What is switched off is left out where it is read, so a change counts at once, and the index of a search knows
nothing of it.
"""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from wtforms import BooleanField

from microblog.accounts.resources import Account
from microblog.i18n import _
from microblog.people import queries
from microblog.request import Request
from microblog.web.forms import Form
from microblog.web.pages import page_view


class PrivacyForm(Form):
    is_indexed = BooleanField(_("My posts may be found by searching"))
    is_listed = BooleanField(_("I am listed among people, and offered to others"))
    shows_last_seen = BooleanField(_("My profile says when I was last here"))


@page_view(
    context=Account,
    name="privacy",
    methods=("GET", "POST"),
    permission="edit",
    repeatable=True,
    renderer="templates/privacy.jinja2",
)
def privacy(account: Account, request: Request) -> Any:
    me = request.me
    if request.method != "POST":
        chosen = queries.get_privacy(request.dbsession, me.id)
        return {"form": PrivacyForm(request, **chosen._asdict()), "page_name": "account"}
    form = PrivacyForm(request)
    if not form.validate():
        request.response.status_int = 422
        return {"form": form, "page_name": "account"}
    queries.set_privacy(request.begin_write(), me.id, queries.Privacy(**form.data))
    request.flash(_("What you have chosen is saved."))
    return HTTPSeeOther(location=request.link("account", "privacy"))
