"""A mail to whoever logs in in a browser in which they have not been before: perhaps it was somebody else."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import orm

from microblog.accounts.browsers import describe_browser, make_origin
from microblog.mail.actions import write_mail
from microblog.request import Request
from microblog.security.identity import hash_token
from microblog.security.limits.devices import find_device

KIND = "new_browser"
CAUSE_CHARACTERS = 20  # of the hash of a browser, which are enough to tell browsers apart


def write_about_new_browser(request: Request, session: orm.Session, user_id: int) -> None:
    """Of one browser, in one network, once a day: not every browser keeps the cookie by which it is known."""
    if find_device(request, user_id) is not None:
        return
    now = datetime.now(UTC)
    origin = make_origin(request.user_agent, request.remote_addr)
    values = {
        "browser": describe_browser(origin.browser),
        "address": origin.address,
        "when": f"{now:%Y-%m-%d %H:%M} UTC",
    }
    seen = hash_token(f"{origin.browser} {origin.address}")[:CAUSE_CHARACTERS]
    write_mail(session, kind=KIND, user_id=user_id, values=values, cause=f"{now:%Y-%m-%d} {seen}")
