"""What is needed of log-ins to repeat one for the second copy of a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import orm
from zope.interface import Interface

if TYPE_CHECKING:
    from microblog.request import Registry, Request


class ILogIns(Interface):
    """`microblog.accounts` registers it as a utility."""

    def get_password_hash(session: orm.Session, user_id: int) -> str | None:
        """The hash of the person's password; None when they have none, or do not exist."""

    def begin_session(
        request: Request,
        session: orm.Session,
        response: Any,
        user_id: int,
        *,
        remembered: bool,
        verified: str,
    ) -> None:
        """Make the response log the person in.

        :raises StaleData: when `verified` is no longer the hash of their password.
        """


def get_log_ins(registry: Registry) -> ILogIns:
    found: ILogIns = registry.getUtility(ILogIns)
    return found
