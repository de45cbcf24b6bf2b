"""`/account/notices`: what people want to be told about, how, and when mails come.

What they want by mail is kept by the room of mail, whose links in mails switch it off, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from sqlalchemy import orm

from microblog.accounts.resources import Account
from microblog.i18n import _
from microblog.mail.choices import list_refused, set_refused
from microblog.notifications import actions, queries
from microblog.notifications.digests.actions import choose, get_when
from microblog.notifications.digests.rules import AT_ONCE, DAILY, DIGEST, NEVER, WEEKLY
from microblog.notifications.kinds import MAIL, list_kinds
from microblog.preferences.forms import ChoiceField, Offered
from microblog.request import Registry, Request
from microblog.web.forms import Form
from microblog.web.pages import page_view

MAILED = frozenset({MAIL})
WHEN = "when"  # the field
MOMENTS = {AT_ONCE: _("At once"), DAILY: _("Once a day"), WEEKLY: _("Once a week")}
# Who has switched off their digests by the link in one.
WITH_NEVER = {**MOMENTS, NEVER: _("Not at all")}


@dataclass(frozen=True, slots=True)
class Line:
    """What people can be told about, and the names of the channels by which they can."""

    name: str
    label: str
    channels: frozenset[str]


def list_lines(registry: Registry, *, by_admin: bool) -> list[Line]:
    """Kinds of notifications, and behind them those of which there are only mails. The switch of digests is
    when mails come."""
    mailed = registry.mail_kinds.list_switchable(by_admin=by_admin)
    names_of_mails = {kind.name for kind in mailed}
    others = frozenset(registry.notice_channels) - {MAIL}
    kinds = list_kinds(registry)
    lines = [
        Line(kind.name, kind.label, others | (MAILED if kind.name in names_of_mails else frozenset()))
        for kind in kinds
    ]
    known = {kind.name for kind in kinds}
    only_mails = [kind for kind in mailed if kind.name not in known and kind.name != DIGEST]
    return lines + [Line(kind.name, kind.label, MAILED) for kind in only_mails]


def list_names(lines: list[Line], channel: str) -> list[str]:
    return [line.name for line in lines if channel in line.channels]


def list_wanted(session: orm.Session, registry: Registry, user_id: int, lines: list[Line]) -> dict[str, Any]:
    """By channel, what the person is told about; and when mails come."""
    chosen = queries.list_choices(session, user_id)
    refused = list_refused(session, user_id)
    chosen |= dict.fromkeys([(MAIL, kind) for kind in refused], False)
    wanted: dict[str, Any] = {
        channel.name: [
            name
            for name in list_names(lines, channel.name)
            if chosen.get((channel.name, name), channel.by_default)
        ]
        for channel in registry.notice_channels.values()
    }
    return {**wanted, WHEN: [get_when(session, user_id, refused)]}


def save(session: orm.Session, request: Request, lines: list[Line], wanted: Mapping[str, Any]) -> None:
    """Keep by channel what the person wants to be told about, and when mails come."""
    me = request.me
    choices = {
        (channel, name): name in wanted[channel]
        for channel in request.registry.notice_channels
        for name in list_names(lines, channel)
    }
    refused = [name for (channel, name), is_wanted in choices.items() if channel == MAIL and not is_wanted]
    kept_here = {key: is_wanted for key, is_wanted in choices.items() if key[0] != MAIL}
    before = get_when(session, me.id, list_refused(session, me.id))
    when = next(iter(wanted[WHEN]), before)
    choose(session, me.id, when, before=before, now=datetime.now(UTC))
    if when == NEVER:
        refused.append(DIGEST)
    actions.save_choices(session, me.id, kept_here)
    set_refused(session, me.id, refused, by_admin=me.is_admin)


def list_moments(wanted: Mapping[str, Any]) -> Mapping[str, str]:
    """When mails can come, with labels. That none come is no choice but of those who have it."""
    return WITH_NEVER if NEVER in wanted[WHEN] else MOMENTS


def make_form(request: Request, lines: list[Line], wanted: Mapping[str, Any]) -> Form:
    """A field for each channel, whose values are the kinds that are wanted; and one for when mails come."""
    fields = {
        channel.name: ChoiceField(
            channel.label, [Offered(frozenset(list_names(lines, channel.name)), several=True)]
        )
        for channel in request.registry.notice_channels.values()
    }
    offered = Offered(frozenset(list_moments(wanted)), several=False)
    fields[WHEN] = ChoiceField(_("When mails come"), [offered])
    made: Form = type("NoticesForm", (Form,), fields)(request, data=wanted)
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
    registry = request.registry
    lines = list_lines(registry, by_admin=request.me.is_admin)
    present = list_wanted(request.dbsession, registry, request.me.id, lines)
    form = make_form(request, lines, present)
    if request.method == "POST":
        if form.validate():
            wanted = {name: form[name].data for name in (*registry.notice_channels, WHEN)}
            save(request.begin_write(), request, lines, wanted)
            request.flash(_("Your choice has been saved."))
            return HTTPSeeOther(location=request.link("account", "notices"))
        request.response.status_int = 422
    return {
        "form": form,
        "lines": lines,
        "channels": registry.notice_channels.values(),
        "moments": list_moments(present),
    }
