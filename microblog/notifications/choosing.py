"""`/account/notices`: what people want to be told about, and how."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from microblog.accounts.resources import Account
from microblog.i18n import _
from microblog.notifications import actions, queries
from microblog.notifications.kinds import list_kinds
from microblog.preferences.forms import ChoiceField, Offered
from microblog.request import Request
from microblog.web.forms import Form
from microblog.web.pages import page_view


def make_form(request: Request, chosen: dict[tuple[str, str], bool]) -> Form:
    """A field for each channel, whose values are the kinds that are wanted."""
    kinds = [kind.name for kind in list_kinds(request.registry)]
    channels = request.registry.notice_channels.values()
    fields = {
        channel.name: ChoiceField(channel.label, [Offered(frozenset(kinds), several=True)])
        for channel in channels
    }
    data = {
        channel.name: [kind for kind in kinds if chosen.get((channel.name, kind), channel.by_default)]
        for channel in channels
    }
    made: Form = type("NoticesForm", (Form,), fields)(request, data=data)
    return made


@page_view(
    context=Account,
    name="notices",
    methods=("GET", "POST"),
    permission="edit",
    repeatable=True,
    renderer="templates/notices.jinja2",
)
def notices(account: Account, request: Request) -> Any:
    form = make_form(request, queries.list_choices(request.dbsession, request.me.id))
    kinds = list_kinds(request.registry)
    channels = request.registry.notice_channels.values()
    if request.method == "POST":
        if form.validate():
            choices = {
                (channel.name, kind.name): kind.name in form[channel.name].data
                for channel in channels
                for kind in kinds
            }
            actions.save_choices(request.begin_write(), request.me.id, choices)
            request.flash(_("Your choice has been saved."))
            return HTTPSeeOther(location=request.link("account", "notices"))
        request.response.status_int = 422
    return {"form": form, "kinds": kinds, "channels": channels}
