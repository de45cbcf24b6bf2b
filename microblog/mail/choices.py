"""Which mails somebody wants: all kinds that they have not switched off."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import orm

from microblog.mail import queries


def list_refused(session: orm.Session, user_id: int) -> frozenset[str]:
    """The kinds of mails that the person has switched off."""
    return queries.list_refused(session, user_id)


def set_refused(session: orm.Session, user_id: int, kinds: Collection[str], *, by_admin: bool) -> None:
    """The person, or an admin, wants no mails of these kinds, and all others. What they cannot switch is left
    as it is.
    """
    kinds_here = session.info["registry"].mail_kinds
    switchable = {kind.name for kind in kinds_here.list_switchable(by_admin=by_admin)}
    before, after = queries.list_refused(session, user_id), switchable & set(kinds)
    queries.add_refusals(session, user_id, after - before)
    queries.remove_refusals(session, user_id, (before & switchable) - after)


def refuse(session: orm.Session, user_id: int, kind: str) -> None:
    """The person wants no more mails of this kind."""
    queries.add_refusals(session, user_id, [kind])
