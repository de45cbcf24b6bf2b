"""Signing up by mail where an admin approves each account."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from microblog.accounts.by_mail.actions import LinkInvalid
from microblog.accounts.by_mail.queries import use_sign_up
from microblog.accounts.by_mail.resources import ConfirmLink
from microblog.accounts.by_mail.views import HAS_ACCOUNT
from microblog.accounts.queries import EmailTaken
from microblog.accounts.registrations.actions import wait_for_approval
from microblog.accounts.registrations.queries import AlreadyWaiting
from microblog.accounts.registrations.texts import WAITS
from microblog.request import Request


def finish_sign_up_and_wait(link: ConfirmLink, request: Request) -> Any:
    """Their address is confirmed, and an admin approves them, or does not.

    :raises LinkInvalid: when the link was used since the page was sent.
    """
    session = request.begin_write()
    wanted = use_sign_up(session, link.token)
    if wanted is None:
        raise LinkInvalid
    try:
        wait_for_approval(session, wanted, language=request.language.tag, is_confirmed=True)
    except EmailTaken:
        request.give_up_write()
        request.flash(HAS_ACCOUNT, "info")
    except AlreadyWaiting:
        request.give_up_write()
        request.flash(WAITS, "info")
    else:
        request.flash(WAITS)
    return HTTPSeeOther(location=request.link("login"))
