"""Asking people again for the password that they have, before what only they may do."""

from __future__ import annotations

import logging
from typing import Any

from microblog.accounts import passwords, queries
from microblog.accounts.settings import LOG_IN
from microblog.i18n import _
from microblog.request import Request
from microblog.security.limits.tries import Try, begin_try

log = logging.getLogger(__name__)

WRONG_PASSWORD = _("This is not your present password.")


def verify_present_password(request: Request, form: Any, verified: str | None) -> Try | None:
    """Verify the password of the form by the hash `verified`. It counts as a log-in does: the transaction of
    what is done then gives the try back. None when it is wrong, which the form says then.
    """
    me = request.me
    made = begin_try(request, LOG_IN, queries.make_login_key(me.nickname), me.id)
    if verified is not None and passwords.verify_password(verified, form.get_text("password")):
        return made
    log.info("A wrong present password: user %d, from %s", me.id, request.remote_addr)
    form.password.errors = [WRONG_PASSWORD]
    return None
